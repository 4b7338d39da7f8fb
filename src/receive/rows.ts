/**
 * Reads the rows of the file of received reports. Each value is checked: bits rot, and others can write the file.
 *
 * @module
 */

import { networkOf, policyOf, resultOf, wayOf } from "./codes.ts";
import { formatDay, parseDay } from "./days.ts";
import * as sql from "./statements.ts";
import type { Authentication, KeptReport, OutcomeRow, ProblemRow, RowQuery } from "./types.ts";

/** Something that runs queries on a file of received reports. */
export interface Reader {
  /** Runs a query for one row. */
  one(text: string, ...values: (string | number)[]): Record<string, unknown> | undefined;
  /** Runs a query. */
  all(text: string, ...values: (string | number)[]): Record<string, unknown>[];
}

/** The latest time that a date can have, ms. */
const MAX_TIME = 8.64e15;

/** Most reports in a list. */
const MAX_REPORTS = 10_000;

/** As in `ReceivedView`. */
export function listDomains(file: Reader): string[] {
  return file.all(sql.LIST_DOMAINS).map(({ domain }) => textOf(domain));
}

/** As in `ReceivedView`. */
export function listOutcomes(file: Reader, query: RowQuery): OutcomeRow[] {
  return listRows(file, { query, statement: sql.LIST_OUTCOMES }, (row, domain) => ({
    domain,
    day: formatDay(numberOf(row.day)),
    submitter: textOf(row.submitter),
    policy: policyOf(row.policy),
    authentication: authenticationOf(row.signed),
    successful: countOf(row.ok),
    failed: countOf(row.failed),
  }));
}

/** As in `ReceivedView`. */
export function listProblems(file: Reader, query: RowQuery): ProblemRow[] {
  return listRows(file, { query, statement: sql.LIST_PROBLEMS }, (row, domain) => ({
    domain,
    day: formatDay(numberOf(row.day)),
    submitter: textOf(row.submitter),
    authentication: authenticationOf(row.signed),
    result: resultOf(row.result),
    mx: textOf(row.mx),
    reason: textOf(row.reason),
    network: networkOf(row.network),
    count: countOf(row.count),
  }));
}

/** As in `ReceivedView`. */
export function listReports(
  file: Reader,
  { domain, limit }: { readonly domain: string; readonly limit: number },
): KeptReport[] {
  const id = findDomain(file, domain);
  if (id === undefined) return [];
  const kept = Math.max(0, Math.min(MAX_REPORTS, Math.floor(limit)));
  return file.all(sql.LIST_REPORTS, id, kept).map((row) => ({
    id: numberOf(row.id),
    submitter: textOf(row.submitter),
    organization: optionalText(row.organization),
    contact: optionalText(row.contact),
    reportId: textOf(row.report_id),
    range: { begin: timeOf(row.range_begin), end: timeOf(row.range_end) },
    authentication: authenticationOf(row.signed),
    way: wayOf(row.way),
    receivedAt: timeOf(row.received_at),
    deviations: textOf(row.deviations).split(" ").filter((word) => word !== ""),
    changed: row.changed === 1,
    counts: row.counts === 1,
  }));
}

/** As in `ReceivedView`. */
export function readBody(file: Reader, id: number): Uint8Array | undefined {
  if (!Number.isSafeInteger(id)) return undefined;
  const body = file.one(sql.GET_BODY, id)?.body;
  return body instanceof Uint8Array ? body : undefined;
}

/** As in `ReceivedView`. */
export function readDays(
  file: Reader,
  domain: string,
): { first: string; last: string } | undefined {
  const id = findDomain(file, domain);
  const { first, last } = id === undefined ? {} : file.one(sql.GET_DAYS, id) ?? {};
  if (typeof first !== "number" || typeof last !== "number") return undefined;
  return { first: formatDay(first), last: formatDay(last) };
}

/** A number as read; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** A count as read: a whole number, 0 or more. */
export function countOf(value: unknown): number {
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, Math.floor(numberOf(value))));
}

/** The rows of one domain, or of all in their order. */
function listRows<Row>(
  file: Reader,
  { query, statement }: { readonly query: RowQuery; readonly statement: string },
  read: (row: Record<string, unknown>, domain: string) => Row,
): Row[] {
  const since = parseDay(query.since);
  const until = parseDay(query.until);
  if (since === undefined || until === undefined) return [];
  const domains = query.domain === undefined ? listDomains(file) : [query.domain];
  const rows: Row[] = [];
  for (const domain of domains) {
    const id = findDomain(file, domain);
    if (id === undefined) continue;
    for (const row of file.all(statement, id, since, until)) rows.push(read(row, domain));
  }
  return rows;
}

function findDomain(file: Reader, domain: string): number | undefined {
  const id = file.one(sql.FIND_WORD, domain)?.id;
  return typeof id === "number" ? id : undefined;
}

function authenticationOf(signed: unknown): Authentication {
  return signed === 1 ? "dkim" : "unsigned";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function timeOf(value: unknown): number {
  return Math.min(Math.max(numberOf(value), 0), MAX_TIME);
}
