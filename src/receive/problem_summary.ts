/**
 * Groups the failures in reports by meaning and place: one problem for each result, MX host and remedy.
 *
 * @module
 */

import type { Explanation } from "../tlsrpt/advice.ts";
import { explainFailure } from "../tlsrpt/explain.ts";
import { dayNumber, formatDay, parseDay } from "./days.ts";
import { compareTexts, groupBy, senderKey } from "./grouping.ts";
import type {
  ProblemSender,
  ProblemSummary,
  SummaryOptions,
  SummaryRows,
} from "./summary_types.ts";
import type { OutcomeRow, ProblemRow } from "./types.ts";

/** Reasons listed for a problem; a sender gives one or two. */
const MAX_REASONS = 5;

/**
 * How many days without a failure do not interrupt it. A sender that has no mail for a domain on a weekend reports
 * nothing, and on Monday the failure is still the old one.
 */
const GAP_DAYS = 3;

/** A failure is not new if it began more than this many days before the last day of the summary. */
const NEWS_DAYS = 3;

/** Makes the problems of a summary, the most sessions first. Rows from before its days say since when. */
export function summarizeProblems(
  { outcomes, problems }: SummaryRows,
  options: SummaryOptions,
): ProblemSummary[] {
  const reported = lastReports(outcomes, options);
  const isDane = findDaneOnly(outcomes);
  const explained = problems
    .filter(({ day, count }) => count > 0 && day <= options.until)
    .map((row) => ({ row, explanation: explanationOf(row, isDane(row)) }));
  const groups = groupBy(
    explained,
    ({ row, explanation: { advice, meaning } }) =>
      JSON.stringify([row.result, row.mx, advice, meaning]),
  );
  return groups.flatMap(([, group]) => {
    const rows = group.map(({ row }) => row);
    if (!rows.some(({ day }) => day >= options.since)) return [];
    return [summarizeProblem(rows, { ...options, explanation: group[0]!.explanation, reported })];
  }).toSorted((one, other) =>
    other.count - one.count || compareTexts(one.result, other.result) ||
    compareTexts(one.mx, other.mx) || compareTexts(one.explanation.advice, other.explanation.advice)
  );
}

/** What {@link summarizeProblem} needs beside the rows. */
interface ProblemOptions extends SummaryOptions {
  readonly explanation: Explanation;
  /** The last day that each sender reported. */
  readonly reported: ReadonlyMap<string, string>;
}

function summarizeProblem(rows: readonly ProblemRow[], options: ProblemOptions): ProblemSummary {
  const within = rows.filter(({ day }) => day >= options.since);
  const { result, mx } = rows[0]!;
  const senders = groupBy(rows, senderKey)
    .filter(([, group]) => group.some(({ day }) => day >= options.since))
    .map(([, group]) => summarizeSender(group, options))
    .toSorted((one, other) =>
      other.count - one.count || compareTexts(senderKey(one), senderKey(other))
    );
  return {
    result,
    mx,
    reasons: topReasons(within),
    explanation: options.explanation,
    count: sumCounts(within),
    senders,
    since: senders.map(({ since }) => since).toSorted(compareTexts)[0]!,
    last: senders.map(({ last }) => last).toSorted(compareTexts).at(-1)!,
    isNew: senders.some(({ isNew }) => isNew),
    isUnsigned: senders.every(({ authentication }) => authentication === "unsigned"),
  };
}

function summarizeSender(rows: readonly ProblemRow[], options: ProblemOptions): ProblemSender {
  const { submitter, authentication } = rows[0]!;
  const days = [...new Set(rows.map(({ day }) => day))].toSorted(compareTexts);
  const last = days.at(-1)!;
  const since = beginOf(days);
  const isLast = options.reported.get(senderKey(rows[0]!)) === last;
  const oldest = formatDay((parseDay(options.until) ?? 0) - NEWS_DAYS);
  return {
    submitter,
    authentication,
    count: sumCounts(rows.filter(({ day }) => day >= options.since)),
    since,
    last,
    isNew: days.length === 1 && isLast && last >= oldest,
  };
}

/** The first of the last days that follow each other without a long gap. @param days In order. */
function beginOf(days: readonly string[]): string {
  let begin = days.at(-1)!;
  for (const day of days.toReversed()) {
    const gap = dayOf(begin) - dayOf(day);
    if (gap > GAP_DAYS + 1) break;
    begin = day;
  }
  return begin;
}

function dayOf(text: string): number {
  return parseDay(text) ?? dayNumber(0);
}

function lastReports(
  outcomes: readonly OutcomeRow[],
  { until }: SummaryOptions,
): Map<string, string> {
  const last = new Map<string, string>();
  for (const row of outcomes) {
    const key = senderKey(row);
    if (row.day <= until && row.day > (last.get(key) ?? "")) last.set(key, row.day);
  }
  return last;
}

function explanationOf({ result, reason }: ProblemRow, isDane: boolean): Explanation {
  return explainFailure({
    result,
    ...(reason !== "" && { reason }),
    ...(isDane && { policy: "tlsa" }),
  });
}

/** Tells on which days all failed sessions of a sender were under TLSA records: rows of failures do not say it. */
function findDaneOnly(outcomes: readonly OutcomeRow[]): (row: ProblemRow) => boolean {
  const keyOf = (row: OutcomeRow | ProblemRow) => `${row.day} ${senderKey(row)}`;
  const failed = outcomes.filter((row) => row.failed > 0);
  const dane = new Set(failed.filter(({ policy }) => policy === "tlsa").map(keyOf));
  for (const row of failed) if (row.policy !== "tlsa") dane.delete(keyOf(row));
  return (row) => dane.has(keyOf(row));
}

function topReasons(rows: readonly ProblemRow[]): string[] {
  const named = rows.filter(({ reason }) => reason !== "");
  return groupBy(named, ({ reason }) => reason)
    .map(([reason, group]) => ({ reason, count: sumCounts(group) }))
    .toSorted((one, other) => other.count - one.count || compareTexts(one.reason, other.reason))
    .slice(0, MAX_REASONS).map(({ reason }) => reason);
}

function sumCounts(rows: readonly ProblemRow[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}
