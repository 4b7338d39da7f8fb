/**
 * A store of reports in a directory of its own, with a clock under the test's hand.
 *
 * @module
 */

import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createReportStore, type ReportStore } from "../../src/reports/report_store.ts";
import type { FailureDetail } from "../../src/tlsrpt/report.ts";
import type { DomainCount } from "../../src/tlsrpt/session.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A day in the middle of a year. */
export const DAY = Date.UTC(2026, 5, 15) / 86_400_000;

/** What {@link withStore} hands over. */
export interface StoreBench {
  readonly store: ReportStore;
  readonly path: string;
  readonly clock: ManualClock;
  readonly lines: string[];
  /** Opens the file once more. */
  open(options?: { maxFileOctets?: number }): ReportStore;
}

/** Runs a test with a store, and removes all of it. */
export async function withStore(
  test: (bench: StoreBench) => void | Promise<void>,
  options: { maxFileOctets?: number } = {},
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const clock = new ManualClock(DAY * 86_400_000 + 3_600_000);
  const lines: string[] = [];
  const opened: ReportStore[] = [];
  const path = `${directory}/reports.db`;
  const open = (more: { maxFileOctets?: number } = {}) => {
    const store = createReportStore({
      path,
      log: createLog({ level: "info", format: "text", write: (line) => lines.push(line) }),
      metrics: createMetrics(),
      now: () => clock.now(),
      proven: () => clock.proven(),
      onLastSeen() {},
      sender: () => ({ organization: "Example", contact: "tls@example.com" }),
      ...more,
    });
    opened.push(store);
    return store;
  };
  try {
    await test({ store: open(options), path, clock, lines, open });
  } finally {
    for (const store of opened) store.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

/** One session of a domain under its policy. */
export function session(
  domain: string,
  { mx = "mx", details = [], record }: {
    mx?: string;
    details?: readonly FailureDetail[];
    record?: string;
  } = {},
): DomainCount {
  const failed = details.length > 0 ? 1 : 0;
  const strings = ["version: STSv1", "mode: enforce", `mx: ${mx}.${domain}`, "max_age: 86400"];
  return {
    domain,
    record,
    policies: [{
      policy: { type: "sts", domain, strings, mxHosts: [`${mx}.${domain}`] },
      ok: 1 - failed,
      failed,
      details,
    }],
  };
}

/** One session of a domain without a policy. */
export function bare(domain: string): DomainCount {
  const policy = { type: "no-policy-found", domain, strings: [], mxHosts: [] } as const;
  return { domain, record: undefined, policies: [{ policy, ok: 1, failed: 0, details: [] }] };
}
