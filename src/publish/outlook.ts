/**
 * What received TLS reports (RFC 8460) say about a policy that is to be enforced: how many sessions would have failed,
 * and whose.
 *
 * Senders that verify report a failure under mode `testing` as they would under `enforce`. A failure of DANE says
 * nothing: such a sender goes by TLSA records, whatever the mode. A sender that could not get the policy counts as
 * failed, although it would deliver without: the policy does not protect its mail.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import type { OutcomeRow, ProblemRow } from "../receive/types.ts";
import type { Danger } from "./dangers.ts";

/** Days of reports that are looked at: senders of little mail report once a week, and a policy should be tested longer. */
export const OUTLOOK_DAYS = 14;

/** The part of sessions that may fail, 0 to 1: more would be missed by somebody. */
export const FAILURES_MAX = 0.001;

/** Senders that are named, and causes of each. */
const SENDERS_NAMED = 5;
const CAUSES_NAMED = 3;

/** Characters of a name of a stranger. */
const NAME_MAX_CHARS = 100;

/** Results of DANE (RFC 8460 §4.3.2.1). */
const DANE_RESULTS: readonly ProblemRow["result"][] = [
  "tlsa-invalid",
  "dnssec-invalid",
  "dane-required",
];

/** The reports of the last {@link OUTLOOK_DAYS} days about a domain. */
export type Reported =
  | {
    readonly kind: "rows";
    /** The entry of `received.domains` that they are about: the domain, or a wildcard above it. */
    readonly entry: string;
    readonly outcomes: readonly OutcomeRow[];
    readonly problems: readonly ProblemRow[];
  }
  /** `received.domains` does not have the domain. */
  | { readonly kind: "not-kept" }
  /** `detail` is one line. */
  | { readonly kind: "failed"; readonly detail: string };

/** Sessions of a sender. */
export interface SenderOutlook {
  /** A name of a stranger: to be quoted. */
  readonly submitter: string;
  readonly sessions: number;
  readonly failures: number;
  /** The most frequent first. */
  readonly causes: readonly Cause[];
}

/** A kind of failure. */
export interface Cause {
  readonly result: ProblemRow["result"];
  /** A name of a stranger: to be quoted; empty if the reports name none. */
  readonly mx: string;
}

/** What the reports say. */
export interface Outlook {
  /** Sessions under the policy, and those that failed before there was one. */
  readonly sessions: number;
  /** Those that would have failed. */
  readonly failures: number;
  /** Sessions of senders that saw no policy, or went by TLSA records: they say nothing. */
  readonly silent: number;
  /** No report is signed. */
  readonly isUnsigned: boolean;
  /** Senders with failures, the most first. */
  readonly failing: readonly SenderOutlook[];
}

/** Adds up the rows. Unsigned ones count only if there is no signed one. */
export function judgeReports(
  { outcomes, problems }: Extract<Reported, { kind: "rows" }>,
): Outlook {
  const isUnsigned = outcomes.every(({ authentication }) => authentication === "unsigned");
  const isBelieved = ({ authentication }: OutcomeRow | ProblemRow) =>
    isUnsigned || authentication === "dkim";
  const named = groupBy(problems.filter(isBelieved), dayOfSender);
  const senders = new Map<string, Omit<SenderOutlook, "causes">>();
  const failures: ProblemRow[] = [];
  let silent = 0;
  for (const [key, group] of groupBy(outcomes.filter(isBelieved), dayOfSender)) {
    const { submitter } = group[0]!;
    const counted = countDay(group, named.get(key) ?? []);
    if (counted.failures > 0) failures.push(...named.get(key) ?? []);
    silent += counted.silent;
    const known = senders.get(submitter) ?? { sessions: 0, failures: 0 };
    senders.set(submitter, {
      submitter,
      sessions: known.sessions + counted.sessions,
      failures: known.failures + counted.failures,
    });
  }
  const all = [...senders.values()];
  const causes = groupBy(failures, ({ submitter }) => submitter);
  return {
    sessions: all.reduce((sum, { sessions }) => sum + sessions, 0),
    failures: all.reduce((sum, { failures }) => sum + failures, 0),
    silent,
    isUnsigned: isUnsigned && outcomes.length > 0,
    failing: all.filter(({ failures }) => failures > 0)
      .toSorted((one, other) => other.failures - one.failures)
      .map((sender) => ({ ...sender, causes: causesOf(causes.get(sender.submitter) ?? []) })),
  };
}

/** Why the policy should not be enforced yet. Without any report there is no reason. */
export function outlookDangers(reported: Reported): Danger[] {
  if (reported.kind === "not-kept") return [];
  if (reported.kind === "failed") {
    return [{
      problem: "what the TLS reports say cannot be read",
      advice: "see 'report summary'",
    }];
  }
  const { sessions, failures } = judgeReports(reported);
  if (failures <= sessions * FAILURES_MAX) return [];
  return [{
    problem: `${failures} of ${sessions} sessions would have failed under enforce, more than ${
      FAILURES_MAX * 100
    } %`,
    advice: "'report summary' says what to do",
  }];
}

function dayOfSender({ day, submitter }: OutcomeRow | ProblemRow): string {
  return `${day} ${submitter}`;
}

function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const known = groups.get(keyOf(row));
    if (known !== undefined) known.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

/**
 * Sums of one sender and day. Failures that are named may overlap (RFC 8460 §4), and may be of sessions that succeeded
 * all the same, so they never count for more than the sessions that failed.
 */
function countDay(
  outcomes: readonly OutcomeRow[],
  problems: readonly ProblemRow[],
): { sessions: number; failures: number; silent: number } {
  let [verified, failed, silent] = [0, 0, 0];
  for (const row of outcomes) {
    if (row.policy === "tlsa") {
      silent += row.successful + row.failed;
      continue;
    }
    failed += row.failed;
    if (row.policy === "no-policy-found") silent += row.successful;
    else verified += row.successful;
  }
  const sum = (rows: readonly ProblemRow[]) => rows.reduce((total, { count }) => total + count, 0);
  const isDane = ({ result }: ProblemRow) => DANE_RESULTS.includes(result);
  const own = sum(problems.filter((row) => !isDane(row)));
  const isAllDane = own === 0 && problems.some(isDane);
  // Without a detail, a failed session is believed to be one.
  const failures = isAllDane ? 0 : own === 0 ? failed : Math.min(failed, own);
  return { sessions: verified + failed, failures, silent };
}

function causesOf(problems: readonly ProblemRow[]): Cause[] {
  const counts = new Map<string, Cause & { count: number }>();
  for (const { result, mx, count } of problems) {
    if (DANE_RESULTS.includes(result)) continue;
    const key = `${result} ${mx}`;
    const known = counts.get(key)?.count ?? 0;
    counts.set(key, { result, mx, count: known + count });
  }
  return [...counts.values()].toSorted((one, other) => other.count - one.count);
}

/** What the reports say, in lines for a person. */
export function describeOutlook(reported: Reported): string[] {
  if (reported.kind === "failed") return [`cannot read the TLS reports: ${reported.detail}`];
  if (reported.kind === "not-kept") {
    return ["no TLS reports are kept here ('received.domains'): nothing is known about senders"];
  }
  const { sessions, failures, silent, isUnsigned, failing } = judgeReports(reported);
  const time = `in the last ${OUTLOOK_DAYS} days`;
  if (reported.outcomes.length === 0) {
    return [`no TLS report about ${reported.entry} came ${time}: nothing is known about senders`];
  }
  const rest = silent === 0
    ? ""
    : `; ${silent} more saw no policy or went by DANE, and say nothing`;
  const mark = isUnsigned ? " (no report is signed)" : "";
  const left = failing.length - SENDERS_NAMED;
  return [
    `TLS reports about ${reported.entry} ${time}: ${sessions} sessions, ` +
    `of which ${failures} would have failed${mark}${rest}`,
    ...failing.slice(0, SENDERS_NAMED).map(describeSender),
    ...(left > 0 ? [`  and ${left} more senders`] : []),
  ];
}

function describeSender({ submitter, sessions, failures, causes }: SenderOutlook): string {
  const quote = (text: string) => quoteRemote(text, NAME_MAX_CHARS);
  const named = causes.slice(0, CAUSES_NAMED).map(({ result, mx }) =>
    mx === "" ? result : `${result} at ${quote(mx)}`
  );
  const why = named.length === 0 ? "the reports do not say why" : named.join(", ");
  return `  ${quote(submitter)}: ${failures} of ${sessions}: ${why}`;
}
