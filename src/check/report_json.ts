/**
 * Reports as JSON, for programs. `docs/check.schema.json` describes the form.
 *
 * @module
 */

import { escapeMatches } from "../base/quote_text.ts";
import { worst } from "./finding.ts";
import type { DomainReport } from "./report.ts";

/** Version of the form. It changes when a field changes its meaning or is removed. */
export const JSON_VERSION = 1;

/** When a check ran, and which program ran it. */
export interface RunFacts {
  readonly program: string;
  readonly version: string;
  /** End of the check, ms since the Unix epoch. */
  readonly time: number;
  /** Duration, ms. */
  readonly elapsed: number;
}

/** Writes all reports as one JSON object on several lines, in ASCII. */
export function formatJson(reports: readonly DomainReport[], run: RunFacts): string {
  const verdict = worst(reports.map((report) => ({ severity: report.verdict })));
  const root = {
    version: JSON_VERSION,
    program: { name: run.program, version: run.version },
    time: new Date(run.time).toISOString(),
    elapsed: Math.round(run.elapsed),
    verdict,
    domains: reports.map(({ remembered: _remembered, ...report }) => report),
  };
  // Names in certificates are remote text and must not control a terminal.
  return escapeMatches(JSON.stringify(root, null, 2), /[^\n -~]/g) + "\n";
}
