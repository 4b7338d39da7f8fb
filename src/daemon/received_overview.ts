/**
 * What is known of all our own domains, for the list of domains and for metrics: read from the store when somebody
 * asks, in slices, and kept for as long as the cost of reading wants.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { DAY_MS, parseDay } from "../receive/days.ts";
import { describeVerdict, lastDays, lookBack, summarize } from "../receive/summary.ts";
import type { DomainSummary } from "../receive/summary_types.ts";
import type { ReceivedView } from "../receive/types.ts";
import type { ReceivedEntry } from "../status/received_list.ts";
import type { ReceivedTotals } from "../status/received_page.ts";
import { type DomainMetrics, measureDomain } from "./received_metrics.ts";
import { type Breather, createBreather, readInSlices } from "./received_rows.ts";

/** Days that verdicts are about, before today: a week has all kinds of days. */
export const VERDICT_DAYS = 7;

/**
 * Days that the metrics of sessions are about, before today. The reports of a day come within the next; so these have
 * those of yesterday and of the day before, and an alert ends two days after the fault.
 */
export const METRIC_DAYS = 2;

/** Days before today that {@link DomainMetrics.coverage} is about. */
const COVERAGE_DAYS = 14;

/** For so long the counts stay as they were read, ms: a page and its metrics need not be read twice. */
export const FRESH_MS = 1000;

/** They stay for this many times as long as it took to read them: reading takes a twentieth of the time at most. */
const COST_FACTOR = 20;

/**
 * Whoever asks waits if it took no longer than this the last time, ms. Otherwise the counts of then are shown while they
 * are read anew: 1,000 domains with 20 senders each take seconds.
 */
export const WAIT_MS = 500;

/** For so long they are shown at most, ms. */
export const SHOWN_MS = 10 * 60_000;

/** What is known of all domains. */
export interface Overview {
  /** When it was read, ms. */
  readonly readAt: number;
  /** Why the store cannot be read; the lists are empty then. */
  readonly fault: string | undefined;
  readonly totals: ReceivedTotals;
  readonly entries: readonly ReceivedEntry[];
  readonly metrics: readonly DomainMetrics[];
}

/** What {@link createOverview} reads. */
export interface OverviewOptions {
  readonly view: Pick<ReceivedView, "outcomes" | "problems" | "days">;
  /** The entries of `received.domains`. */
  readonly domains: () => readonly string[];
  readonly clock: Pick<Clock, "now">;
  /** Lets other work run. */
  readonly pause: () => Promise<void>;
}

/** Creates a reader. Its function never rejects. */
export function createOverview(options: OverviewOptions): () => Promise<Overview> {
  const now = () => options.clock.now();
  let last: { readonly overview: Overview; readonly took: number } | undefined;
  let reading: Promise<Overview> | undefined;

  async function read(): Promise<Overview> {
    const since = now();
    const overview = await readOverview(options);
    last = { overview, took: now() - since };
    reading = undefined;
    return overview;
  }

  return () => {
    if (last === undefined) return reading ??= read();
    const { overview, took } = last;
    const age = now() - overview.readAt;
    if (age < Math.max(FRESH_MS, COST_FACTOR * took)) return Promise.resolve(overview);
    reading ??= read();
    return took > WAIT_MS && age < SHOWN_MS ? Promise.resolve(overview) : reading;
  };
}

async function readOverview(options: OverviewOptions): Promise<Overview> {
  const { view, domains, clock, pause } = options;
  const readAt = clock.now();
  const entries: ReceivedEntry[] = [];
  const metrics: DomainMetrics[] = [];
  const names = domains();
  try {
    const breather = createBreather(pause);
    for (const domain of names) {
      const { entry, metric } = await readDomain(domain, view, { now: readAt, breather });
      entries.push(entry);
      metrics.push(metric);
      await breather.breathe();
    }
    return { readAt, fault: undefined, totals: addUp(entries), entries, metrics };
  } catch (error) {
    const totals = { domains: names.length, failing: 0, successful: 0, failed: 0 };
    return { readAt, fault: messageOf(error), totals, entries: [], metrics: [] };
  }
}

async function readDomain(
  domain: string,
  view: OverviewOptions["view"],
  { now, breather }: { readonly now: number; readonly breather: Breather },
): Promise<{ entry: ReceivedEntry; metric: DomainMetrics }> {
  const week = lastDays(now, VERDICT_DAYS);
  const { since, until } = lastDays(now, COVERAGE_DAYS);
  const rows = {
    // Most rows by far, so no more days than are needed.
    outcomes: await readInSlices(view, { kind: "outcomes", breather, domain, since, until }),
    problems: await readInSlices(view, {
      ...{ kind: "problems", breather, domain } as const,
      ...{ since: lookBack(week.since), until: week.until },
    }),
  };
  const summary = summarize(rows, { domain, ...week });
  const { last } = view.days(domain) ?? {};
  const reported = new Set(rows.outcomes.map(({ day }) => day).filter((day) => day < until));
  const lastDay = last === undefined ? undefined : parseDay(last);
  return {
    entry: entryOf(summary, last),
    metric: {
      domain,
      ...measureDomain(rows, { ...summary, ...lastDays(now, METRIC_DAYS) }),
      lastDayEnd: lastDay === undefined ? undefined : (lastDay + 1) * DAY_MS,
      coverage: reported.size / COVERAGE_DAYS,
    },
  };
}

function entryOf(summary: DomainSummary, last: string | undefined): ReceivedEntry {
  const { domain, verdict, sessions, failing, problems } = summary;
  const [problem] = problems;
  return {
    domain,
    verdict,
    text: describeVerdict(summary),
    ...sessions,
    failing,
    last,
    problem: problem && { result: problem.result, mx: problem.mx },
  };
}

function addUp(entries: readonly ReceivedEntry[]): ReceivedTotals {
  const sum = (valueOf: (entry: ReceivedEntry) => number) =>
    entries.reduce((total, entry) => total + valueOf(entry), 0);
  return {
    domains: entries.length,
    failing: sum(({ verdict }) => verdict === "failures" ? 1 : 0),
    successful: sum(({ successful }) => successful),
    failed: sum(({ failed }) => failed),
  };
}
