/**
 * A store of received reports in a directory of its own, with a clock under the test's hand; and reports to put in.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { createLog } from "../../src/base/log.ts";
import { createMetrics, type Metrics } from "../../src/base/metrics.ts";
import { DAY_MS, formatDay } from "../../src/receive/days.ts";
import {
  createReceivedStore,
  type ReceivedStoreOptions,
} from "../../src/receive/received_store.ts";
import type {
  AdmittedPolicy,
  AdmittedReport,
  OutcomeRow,
  ProblemRow,
  ReceivedStore,
  ReceivedView,
} from "../../src/receive/types.ts";
import type { ReceivedDetail } from "../../src/tlsrpt/received.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A day in the middle of a year, days since the epoch. */
export const DAY = Date.UTC(2026, 5, 15) / DAY_MS;

/** All days. */
export const ALWAYS = { since: "1970-01-01", until: "9999-12-31" };

/** What may differ from a usual store. */
export type StoreLimits = Partial<
  Pick<ReceivedStoreOptions, "maxFileOctets" | "maxWords" | "keepDays" | "metrics">
>;

/** What {@link withStore} hands over. */
export interface StoreBench {
  readonly store: ReceivedStore;
  readonly path: string;
  readonly clock: ManualClock;
  readonly lines: string[];
  readonly metrics: Metrics;
  /** Opens the file once more. */
  open(limits?: StoreLimits): ReceivedStore;
}

/** Runs a test with a store, and removes all of it. */
export async function withStore(
  test: (bench: StoreBench) => void | Promise<void>,
  limits: StoreLimits & { readonly directory?: string } = {},
): Promise<void> {
  const { directory: parent, ...rest } = limits;
  const directory = Deno.makeTempDirSync(parent === undefined ? {} : { dir: parent });
  const clock = new ManualClock((DAY + 1) * DAY_MS + 3_600_000);
  const lines: string[] = [];
  const opened: ReceivedStore[] = [];
  const metrics = createMetrics();
  const path = `${directory}/received.db`;
  const open = (more: StoreLimits = {}) => {
    const store = createReceivedStore({
      path,
      log: createLog({ level: "info", format: "text", write: (line) => lines.push(line) }),
      metrics,
      now: () => clock.now(),
      keepDays: 400,
      ...more,
    });
    opened.push(store);
    return store;
  };
  try {
    await test({ store: open(rest), path, clock, lines, metrics, open });
  } finally {
    for (const store of opened) store.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

/** What {@link reportOf} makes a report of. */
export interface ReportParts extends Partial<Omit<AdmittedReport, "policies" | "range">> {
  readonly domain?: string;
  readonly day?: number;
  readonly ok?: number;
  readonly failed?: number;
  readonly details?: readonly ReceivedDetail[];
  readonly range?: AdmittedReport["range"];
  readonly policies?: readonly AdmittedPolicy[];
}

/** A report of one day about one domain under an STS policy. */
export function reportOf(parts: ReportParts = {}): AdmittedReport {
  const { domain = "a.test", day = DAY, ok = 10, failed = 0, details = [], ...rest } = parts;
  const submitter = rest.submitter ?? "sender.test";
  const report = {
    submitter,
    organization: `Organization of ${submitter}`,
    contact: `tls@${submitter}`,
    reportId: `${formatDay(day)}_${domain}`,
    range: { begin: day * DAY_MS, end: (day + 1) * DAY_MS - 1000 },
    authentication: "dkim",
    way: "mail",
    receivedAt: (day + 1) * DAY_MS + 3_600_000,
    policies: [policyOf({ domain, ok, failed, details })],
    deviations: [],
    ...rest,
  } as const;
  return { gzip: gzipSync(JSON.stringify(report)), ...report };
}

/** A policy of a report. */
export function policyOf(
  { domain = "a.test", type = "sts", policyDomain = domain, ok = 0, failed = 0, details = [] }: {
    domain?: string;
    type?: AdmittedPolicy["type"];
    policyDomain?: string;
    ok?: number;
    failed?: number;
    details?: readonly ReceivedDetail[];
  } = {},
): AdmittedPolicy {
  const mxHosts = [`mx.${domain}`];
  const rest = { strings: [], mxHosts, successful: ok, failed, details };
  return { domain, policyDomain, type, ...rest };
}

/** A failure at an MX host. */
export function detailOf(parts: Partial<ReceivedDetail> = {}): ReceivedDetail {
  const mxHost = "mx.a.test";
  return { result: "certificate-expired", count: 1, mxHost, sendingIp: "192.0.2.1", ...parts };
}

/** All counts, as comparable text. */
export function countsOf(view: ReceivedView): string[] {
  const outcomes = view.outcomes(ALWAYS).map(outcomeText);
  return [...outcomes, ...view.problems(ALWAYS).map(problemText)];
}

/** A row of counts as text. */
export function outcomeText(row: OutcomeRow): string {
  const { domain, day, submitter, policy, authentication, successful, failed } = row;
  return `${domain} ${day} ${submitter} ${policy} ${authentication} ${successful}+${failed}`;
}

/** A failure as text. */
export function problemText(row: ProblemRow): string {
  const { domain, day, submitter, authentication, result, mx, reason, network, count } = row;
  const where = [mx, reason, network].map((text) => text === "" ? "-" : text).join(" ");
  return `${domain} ${day} ${submitter} ${authentication} ${result} ${where} ${count}`;
}
