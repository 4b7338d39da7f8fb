/**
 * Reads what was counted for a domain on a day, and makes a report of it. The same rows give the same report.
 *
 * @module
 */

import type { Report, ReportPolicy } from "../tlsrpt/report.ts";
import { readFailureKey } from "../tlsrpt/session_key.ts";
import { readStoredPolicy } from "./policy_row.ts";
import { DAY_MS, reportIdOf } from "./report_id.ts";
import * as sql from "./statements.ts";
import type { CountedReport } from "./types.ts";

/** Something that runs queries on a report file. */
export interface Reader {
  /** Runs a query for one row. */
  one(text: string, ...values: (string | number)[]): Record<string, unknown> | undefined;
  /** Runs a query. */
  all(text: string, ...values: (string | number)[]): Record<string, unknown>[];
}

/** Who reports. */
export interface Sender {
  /** As in `Report.organization`. */
  readonly organization: string;
  /** As in `Report.contact`. */
  readonly contact: string;
}

/** Makes the report of a domain and day; `undefined` if nothing was counted. */
export function readReport(
  file: Reader,
  { day, domain, sender }: { day: number; domain: string; sender: Sender },
): CountedReport | undefined {
  const rows = file.all(sql.LIST_SESSIONS, day, domain);
  const policies = readPolicies(rows, {
    domain,
    failures: file.all(sql.LIST_FAILURES, day, domain),
  });
  if (policies.length === 0) return undefined;
  const record = rows.map((row) => row.record).find((text) => typeof text === "string");
  const report: Report = {
    organization: sender.organization,
    contact: sender.contact,
    reportId: reportIdOf({ instance: readInstance(file), day, domain }),
    begin: day * DAY_MS,
    end: (day + 1) * DAY_MS - 1000,
    domain,
    policies,
  };
  const ok = policies.reduce((sum, { successful }) => sum + successful, 0);
  const failed = policies.reduce((sum, policy) => sum + policy.failed, 0);
  return { report, record, sessions: { ok, failed } };
}

/** The secret of the file. */
export function readInstance(file: Reader): Uint8Array {
  const id = file.one(sql.GET_INSTANCE)?.id;
  return id instanceof Uint8Array ? id : new Uint8Array();
}

type Rows = readonly Record<string, unknown>[];

function readPolicies(
  rows: Rows,
  { domain, failures }: { domain: string; failures: Rows },
): ReportPolicy[] {
  const details = new Map<unknown, ReportPolicy["details"][number][]>();
  for (const row of failures) {
    const failure = typeof row.detail === "string" ? readFailureKey(row.detail) : undefined;
    if (failure === undefined) continue;
    const list = details.get(row.policy) ?? [];
    list.push({ ...failure, count: countOf(row.count) });
    details.set(row.policy, list);
  }
  const policies: ReportPolicy[] = [];
  for (const row of rows) {
    const policy = readStoredPolicy(row, domain);
    if (policy === undefined) continue;
    policies.push({
      ...policy,
      successful: countOf(row.ok),
      failed: countOf(row.failed),
      details: details.get(row.policy) ?? [],
    });
  }
  return policies;
}

/** A number as read; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A count as read: a whole number, 0 or more. */
export function countOf(value: unknown): number {
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.floor(numberOf(value))));
}
