/**
 * Reports in the form of a monitoring plugin (Nagios, Icinga and compatible): a first line with state
 * and performance data, then one line for each fault, and an exit status.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import type { DomainReport } from "./report.ts";
import { describeVerdict } from "./report_text.ts";

/** Exit status and word of each state, from the plugin guidelines. */
const STATES = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;

type State = keyof typeof STATES;

/** Characters of the whole output. NRPE cuts at 4096 octets, Nagios itself at 8192. */
const OUTPUT_MAX_LENGTH = 4000;

/** Fewer days left of a certificate are a warning in the performance data. The finding itself is more precise. */
const CERTIFICATE_DAYS_WARNING = 7;

const DAY_MS = 86_400_000;

/** What a plugin prints and returns. */
export interface PluginResult {
  readonly text: string;
  readonly exit: number;
}

/** Writes the result. `time` in ms since the Unix epoch, `elapsed` in ms. */
export function formatNagios(
  reports: readonly DomainReport[],
  options: { readonly time: number; readonly elapsed: number },
): PluginResult {
  const state = stateOf(reports);
  const summary = reports.map((report) => `${report.domain}: ${describeVerdict(report)}`).join(
    "; ",
  );
  const lines = [`MTA-STS ${state}: ${clean(summary)} | ${performance(reports, options)}`];
  let length = lines[0]?.length ?? 0;
  for (const { findings } of reports) {
    for (const finding of findings.filter(isFault)) {
      const line = clean(describe(finding));
      length += line.length + 1;
      if (length < OUTPUT_MAX_LENGTH) lines.push(line);
    }
  }
  return { text: lines.join("\n") + "\n", exit: STATES[state] };
}

/** The result if nothing can be checked, for example because of wrong arguments. */
export function formatUnknown(message: string): PluginResult {
  return { text: `MTA-STS UNKNOWN: ${clean(message)}\n`, exit: STATES.UNKNOWN };
}

/** A certain fault outweighs an uncertain one. */
function stateOf(reports: readonly DomainReport[]): State {
  const decided = reports.filter(({ undecided }) => !undecided).map(({ verdict }) => verdict);
  if (decided.includes("error")) return "CRITICAL";
  if (decided.length < reports.length) return "UNKNOWN";
  return decided.includes("warning") ? "WARNING" : "OK";
}

/** `label=value[unit];warning;critical;minimum`; ranges as in the guidelines. */
function performance(
  reports: readonly DomainReport[],
  { time, elapsed }: { readonly time: number; readonly elapsed: number },
): string {
  const sum = (severity: "error" | "warning") =>
    reports.reduce((total, { counts }) => total + counts[severity], 0);
  const ends = reports.flatMap(({ facts: { policyHost, mxHosts } }) =>
    [...(policyHost === undefined ? [] : [policyHost]), ...mxHosts].flatMap(({ addresses }) =>
      addresses.flatMap(({ notAfter }) => notAfter === undefined ? [] : [Date.parse(notAfter)])
    )
  );
  const days = Math.floor((Math.min(...ends) - time) / DAY_MS);
  return [
    `errors=${sum("error")};;0;0`,
    `warnings=${sum("warning")};0;;0`,
    ...(ends.length === 0 ? [] : [`certificate_days=${days};${CERTIFICATE_DAYS_WARNING}:;0:`]),
    `time=${(elapsed / 1000).toFixed(3)}s;;;0`,
  ].join(" ");
}

function isFault({ severity }: Finding): boolean {
  return severity === "warning" || severity === "error";
}

function describe({ severity, subject, title, seen, id }: Finding): string {
  return `${severity.toUpperCase()}: ${subject}: ${title}: ${seen} [${id}]`;
}

/** A bar anywhere in a line starts the performance data. */
function clean(text: string): string {
  return text.replaceAll("|", "/").replaceAll("\n", " ");
}
