/**
 * The metrics of received reports, by own domain.
 *
 * All are gauges over a few days of the store, not counters. A report tells of a day that is over, comes in one piece,
 * and can be imported a year late, by another process; the store also forgets. A counter would show such an import as
 * an outage of today, and each `prune` as a restart. What a gauge shows depends on the store alone: it is the same
 * after a restart, and old days do not change it.
 *
 * @module
 */

import type { Metric, Metrics } from "../base/metrics.ts";
import { groupBy, senderKey } from "../receive/grouping.ts";
import type { DomainSummary, ProblemSummary, SummaryRows } from "../receive/summary_types.ts";

/** What is measured of a domain. */
export interface DomainMetrics {
  /** An entry of `received.domains`. */
  readonly domain: string;
  /** Sessions of the last days, by policy, authentication and outcome. */
  readonly sessions: readonly Measured[];
  /** Failures of the last days, by result and authentication. */
  readonly failures: readonly Measured[];
  /** Senders that failed on the last day they reported, and not in that way before; by authentication. */
  readonly newlyFailing: readonly Measured[];
  /** The part of the last two weeks that reports are about, 0 to 1. */
  readonly coverage: number;
  /** The end of the last day that a report is about, ms; `undefined` if none ever came. */
  readonly lastDayEnd: number | undefined;
}

/** A value with its labels. */
export interface Measured {
  /** The values of the labels after `domain`, in the order of their names. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** What {@link measureDomain} goes by. */
export interface MeasureOptions extends Pick<DomainSummary, "problems"> {
  /** The first and the last day that count, `YYYY-MM-DD`. */
  readonly since: string;
  readonly until: string;
}

/** Measures a domain. @param options The days that count, and the problems of a summary, which say what is new. */
export function measureDomain(
  rows: SummaryRows,
  { since, until, problems: known }: MeasureOptions,
): Pick<DomainMetrics, "sessions" | "failures" | "newlyFailing"> {
  const isWithin = ({ day }: { readonly day: string }) => day >= since && day <= until;
  const outcomes = rows.outcomes.filter(isWithin);
  const sessions = groupBy(outcomes, (row) => `${row.policy} ${row.authentication}`)
    .flatMap(([, group]) => {
      const { policy, authentication } = group[0]!;
      const sum = (key: "successful" | "failed") =>
        group.reduce((total, row) => total + row[key], 0);
      return [
        { labels: [policy, authentication, "successful"], value: sum("successful") },
        { labels: [policy, authentication, "failed"], value: sum("failed") },
      ];
    });
  const problems = rows.problems.filter(isWithin);
  const failures = groupBy(problems, (row) => `${row.result} ${row.authentication}`)
    .map(([, group]) => ({
      labels: [group[0]!.result, group[0]!.authentication],
      value: group.reduce((total, { count }) => total + count, 0),
    }));
  return { sessions, failures, newlyFailing: measureNew(known) };
}

/** A sender counts once, however many problems it has. */
function measureNew(problems: readonly ProblemSummary[]): Measured[] {
  const fresh = problems.flatMap(({ senders }) => senders.filter(({ isNew }) => isNew));
  const bySender = new Map(fresh.map((sender) => [senderKey(sender), sender]));
  return groupBy([...bySender.values()], ({ authentication }) => authentication)
    .map(([authentication, group]) => ({ labels: [authentication], value: group.length }));
}

/** The metrics once they are declared. */
export interface ReceivedMetrics {
  /** Shows what was measured; series that are not there any more become 0. */
  show(measured: readonly DomainMetrics[]): void;
}

/** Declares the metrics. */
export function declareReceivedMetrics(metrics: Metrics): ReceivedMetrics {
  const series = new Series();
  const sessions = metrics.gauge(
    "mta_sts_received_sessions",
    "Sessions of yesterday, the day before and today, as far as reports have come.",
    ["domain", "policy", "authentication", "outcome"],
  );
  const failures = metrics.gauge(
    "mta_sts_received_failures",
    "Failures that reports of the same days name, by result type (RFC 8460 §4.3); they may overlap.",
    ["domain", "result", "authentication"],
  );
  const newlyFailing = metrics.gauge(
    "mta_sts_received_newly_failing_senders",
    "Senders that failed on the last day they reported, within three days, but not in that way before.",
    ["domain", "authentication"],
  );
  const coverage = metrics.gauge(
    "mta_sts_received_coverage_ratio",
    "The share of the last 14 days that reports cover, 0 to 1.",
    ["domain"],
  );
  const lastDay = metrics.gauge(
    "mta_sts_received_last_day_timestamp_seconds",
    "The end of the last day that a report is about.",
    ["domain"],
  );
  return {
    show(measured: readonly DomainMetrics[]): void {
      series.begin();
      for (const each of measured) {
        const { domain } = each;
        for (const { labels, value } of each.sessions) {
          series.set(sessions, [domain, ...labels], value);
        }
        for (const { labels, value } of each.failures) {
          series.set(failures, [domain, ...labels], value);
        }
        for (const { labels, value } of each.newlyFailing) {
          series.set(newlyFailing, [domain, ...labels], value);
        }
        series.set(coverage, [domain], each.coverage);
        // Without a report there is no series, so no alert can compare a time of 1970.
        const end = each.lastDayEnd;
        if (end !== undefined) lastDay.cell(domain).value = end / 1000;
      }
    },
  };
}

/** Remembers what was set, to clear it. */
class Series {
  #set: { value: number }[] = [];

  /** All that was set before becomes 0. */
  begin(): void {
    for (const cell of this.#set) cell.value = 0;
    this.#set = [];
  }

  set(metric: Metric, labels: readonly string[], value: number): void {
    const cell = metric.cell(...labels);
    cell.value = value;
    this.#set.push(cell);
  }
}
