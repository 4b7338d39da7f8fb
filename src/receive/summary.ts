/**
 * Makes a summary of the rows of one domain: who could not deliver securely, what failed at which MX host, since when.
 * The same rows give the same summary.
 *
 * @module
 */

import { dayNumber, formatDay, parseDay } from "./days.ts";
import { compareTexts, groupBy, senderKey } from "./grouping.ts";
import { summarizeProblems } from "./problem_summary.ts";
import type {
  DaySums,
  DomainSummary,
  SenderSummary,
  SummaryOptions,
  SummaryRows,
  Sums,
} from "./summary_types.ts";
import type { OutcomeRow, ProblemRow, ReceivedView } from "./types.ts";

/**
 * Days before those of a summary that are looked at for when a failure began. A month is what a chart shows, and older
 * beginnings change nothing.
 */
export const LOOK_BACK_DAYS = 30;

/** Days of one summary at most: what `received.keep_days` can be. */
const MAX_DAYS = 4000;

/**
 * The days of a summary: so many whole days before today, and today as far as it has been reported.
 *
 * @param now Ms since the epoch.
 */
export function lastDays(
  now: number,
  days: number,
): { readonly since: string; readonly until: string } {
  const today = dayNumber(now);
  return { since: formatDay(today - days), until: formatDay(today) };
}

/**
 * Reads the rows of a domain and summarizes them.
 *
 * @throws {FileFault} As the view does, if its file cannot be read.
 */
export function readSummary(view: ReceivedView, options: SummaryOptions): DomainSummary {
  const { domain, since, until } = options;
  return summarize({
    // Most rows by far; what is older matters of failures alone.
    outcomes: view.outcomes({ domain, since, until }),
    problems: readProblems(view, options),
  }, options);
}

/**
 * Reads the failures that a summary is made of, and those of the days before it.
 *
 * @throws {FileFault} As the view does, if its file cannot be read.
 */
function readProblems(
  view: Pick<ReceivedView, "problems">,
  { domain, since, until }: SummaryOptions,
): ProblemRow[] {
  return view.problems({ domain, since: lookBack(since), until });
}

/** The first day that is looked at for when a failure began. @param since The first day of a summary. */
export function lookBack(since: string): string {
  return formatDay((parseDay(since) ?? 0) - LOOK_BACK_DAYS);
}

/** Summarizes rows. @returns Never throws. */
export function summarize(rows: SummaryRows, options: SummaryOptions): DomainSummary {
  const { domain, since, until } = options;
  const isWithin = ({ day }: { readonly day: string }) => day >= since && day <= until;
  const outcomes = rows.outcomes.filter(isWithin);
  const problems = rows.problems.filter(isWithin);
  const failing = new Set(problems.filter(({ count }) => count > 0).map(senderKey));
  const senders = sumSenders(outcomes, failing);
  const failed = senders.filter(({ hasFailed }) => hasFailed).length;
  return {
    domain,
    since,
    until,
    verdict: senders.length === 0 ? "nothing-reported" : failed > 0 ? "failures" : "secure",
    senders,
    failing: failed,
    unsigned: senders.filter(({ authentication }) => authentication === "unsigned").length,
    sessions: addUp(outcomes),
    signed: addUp(outcomes.filter(({ authentication }) => authentication === "dkim")),
    policies: groupBy(outcomes, ({ policy }) => policy)
      .map(([policy, group]) => ({ policy, ...addUp(group) })),
    problems: summarizeProblems(rows, options),
    days: sumDays(outcomes, options),
  };
}

/** The part of sessions that failed, 0 to 1; 0 if there were none. */
export function failureShare({ successful, failed }: Sums): number {
  const all = successful + failed;
  return all > 0 ? failed / all : 0;
}

/**
 * The sessions that alarms and decisions go by: those of signed reports, since anybody can post an unsigned one; all if
 * nobody signs.
 */
export function believedSums({ signed, sessions }: DomainSummary): Sums {
  return signed.successful + signed.failed > 0 ? signed : sessions;
}

/**
 * The verdict in one sentence without its full stop, such as `2 of 14 senders could not deliver securely in 7 days`.
 * It holds nothing that a stranger wrote.
 */
export function describeVerdict(summary: DomainSummary): string {
  const { verdict, senders: { length: number }, failing, unsigned, days } = summary;
  const length = days.length - 1;
  const time = length === 1 ? "1 day" : `${length} days`;
  if (verdict === "nothing-reported") return `no sender reported anything in ${time}`;
  const all = number === 1 ? "the only sender" : `all ${number} senders`;
  const some = number === 1 ? "the only sender" : `${failing} of ${number} senders`;
  const what = verdict === "secure"
    ? `${all} delivered securely in ${time}`
    : `${some} could not deliver securely in ${time}`;
  if (unsigned === 0) return what;
  if (unsigned === number) return `${what}; no report is signed`;
  return `${what}; ${unsigned} of the ${number} ${unsigned === 1 ? "is" : "are"} unsigned`;
}

function addUp(rows: readonly Sums[]): Sums {
  let successful = 0;
  let failed = 0;
  for (const row of rows) {
    successful += row.successful;
    failed += row.failed;
  }
  return { successful, failed };
}

function sumSenders(
  outcomes: readonly OutcomeRow[],
  failing: ReadonlySet<string>,
): SenderSummary[] {
  const senders = groupBy(outcomes, senderKey).map(([key, rows]) => {
    const sums = addUp(rows);
    const { submitter, authentication } = rows[0]!;
    const last = rows.reduce((day, row) => row.day > day ? row.day : day, "");
    const hasFailed = sums.failed > 0 || failing.has(key);
    return { submitter, authentication, ...sums, hasFailed, last };
  });
  return senders.toSorted((one, other) =>
    (one.hasFailed === other.hasFailed ? 0 : one.hasFailed ? -1 : 1) ||
    other.failed - one.failed ||
    other.successful - one.successful || compareTexts(senderKey(one), senderKey(other))
  );
}

/** The sums of each day from `since` to `until`, oldest first. Rows of other days do not count. */
export function sumDays(
  outcomes: readonly OutcomeRow[],
  { since, until }: Pick<SummaryOptions, "since" | "until">,
): DaySums[] {
  const byDay = new Map(groupBy(outcomes, ({ day }) => day));
  const first = parseDay(since) ?? 0;
  const last = Math.min(parseDay(until) ?? 0, first + MAX_DAYS);
  const days: DaySums[] = [];
  for (let number = first; number <= last; number++) {
    const day = formatDay(number);
    const rows = byDay.get(day) ?? [];
    days.push({ day, ...addUp(rows), senders: new Set(rows.map(senderKey)).size });
  }
  return days;
}
