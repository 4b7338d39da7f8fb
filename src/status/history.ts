/**
 * The number of queries by answer: over the last hour for each minute, and over the last day for each
 * quarter of an hour.
 *
 * The counters are read at intervals, and the difference is added to the slot of that time. So counting
 * itself costs nothing more. The slots are fixed rings of numbers, which are empty after a restart.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";

/** The possible answers to a query: the values of the label `answer`. */
export const ANSWERS = ["secure", "dane-only", "notfound", "temp"] as const;

/** An answer to a query. */
export type AnswerWord = typeof ANSWERS[number];

/** The counter that is read. */
const COUNTER = "mta_sts_queries_total";

/** The counters are read this often, ms: a query is added to its slot at most this late. */
const SAMPLE_MS = 10_000;

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;

/** Answers within one slot of time. */
export type Counts = Readonly<Record<AnswerWord, number>>;

/** A stretch of time, cut into slots. */
export interface Span {
  /** Length of a slot, ms. */
  readonly slotMs: number;
  /** When the last slot begins, ms. */
  readonly lastSlotAt: number;
  /** Oldest first; the last one is still running. */
  readonly slots: readonly Counts[];
}

/** The history of answers. */
export interface History {
  /** The last 60 minutes. */
  hour(): Span;
  /** The last 24 hours, by 15 minutes. */
  day(): Span;
  /** Stops reading the counters. */
  stop(): void;
}

/** Starts reading the counters; earlier counts are left out. */
export function startHistory(
  { metrics, clock }: { metrics: Pick<Metrics, "samples">; clock: Clock },
): History {
  const hour = new Ring(MINUTE_MS, 60);
  const day = new Ring(QUARTER_MS, 96);
  let booked = totals(metrics);
  let cancel = clock.setTimer(round, SAMPLE_MS);

  function round(): void {
    sample();
    cancel = clock.setTimer(round, SAMPLE_MS);
  }

  function sample(): void {
    const counted = totals(metrics);
    const grown = counted.map((total, index) => total - booked[index]!);
    booked = counted;
    for (const ring of [hour, day]) ring.add(clock.now(), grown);
  }

  function read(ring: Ring): Span {
    sample();
    return ring.read();
  }

  return { hour: () => read(hour), day: () => read(day), stop: () => cancel() };
}

/** All queries so far by answer, in the order of {@link ANSWERS}. */
function totals(metrics: Pick<Metrics, "samples">): number[] {
  const sums = ANSWERS.map(() => 0);
  for (const { labels, value } of metrics.samples(COUNTER)) {
    const index = ANSWERS.findIndex((word) => word === labels.answer);
    if (index >= 0) sums[index]! += value;
  }
  return sums;
}

/** A ring of slots of time: division gives the slot of a time. */
class Ring {
  readonly #slotMs: number;
  readonly #slots: number;
  /** The counts of one slot after the other, each in the order of {@link ANSWERS}. */
  readonly #counts: Float64Array;
  /** Number of the newest slot, counted from the epoch. */
  #newest = 0;

  constructor(slotMs: number, slots: number) {
    this.#slotMs = slotMs;
    this.#slots = slots;
    this.#counts = new Float64Array(slots * ANSWERS.length);
  }

  /** Adds counts to the slot of a time, ms; time never runs backwards. */
  add(now: number, counts: readonly number[]): void {
    const slot = Math.floor(now / this.#slotMs);
    const passed = Math.min(slot - this.#newest, this.#slots);
    for (let back = 0; back < passed; back++) this.#of(slot - back).fill(0);
    this.#newest = slot;
    const current = this.#of(slot);
    for (const [index, count] of counts.entries()) current[index]! += count;
  }

  read(): Span {
    const slots: Counts[] = [];
    for (let slot = this.#newest - this.#slots + 1; slot <= this.#newest; slot++) {
      const counts = this.#of(slot);
      slots.push(
        Object.fromEntries(ANSWERS.map((word, index) => [word, counts[index]!])) as Counts,
      );
    }
    return { slotMs: this.#slotMs, lastSlotAt: this.#newest * this.#slotMs, slots };
  }

  #of(slot: number): Float64Array {
    const start = (slot % this.#slots) * ANSWERS.length;
    return this.#counts.subarray(start, start + ANSWERS.length);
  }
}
