/**
 * What the tests of collecting have in common.
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import type { Metrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import type { ManualClock } from "../fakes/manual_clock.ts";

/** One session of a domain without a policy. */
export function bare(domain: string): DomainCount {
  const policy = { type: "no-policy-found", domain, strings: [], mxHosts: [] } as const;
  return { domain, record: undefined, policies: [{ policy, ok: 1, failed: 0, details: [] }] };
}

/** The value of a series without labels, or with the given first label. */
export function valueOf(metrics: Metrics, name: string, label?: string): number | undefined {
  return metrics.samples(name).find(({ labels }) =>
    label === undefined || Object.values(labels)[0] === label
  )?.value;
}

/** Warnings, and the lines that they wrote. */
export function recordWarnings(clock: ManualClock) {
  const lines: string[] = [];
  const log = createLog({ level: "warn", format: "text", write: (line) => lines.push(line) });
  return { warnings: createWarnings({ log, clock }), lines };
}
