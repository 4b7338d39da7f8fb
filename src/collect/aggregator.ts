/**
 * Adds up sessions in memory, and hands them to the store once a second: a kill loses the last second.
 *
 * It hands over a part at a time, so that datagrams are read in between: the kernel queues few of them. While the store
 * takes nothing, known keys go on counting; beyond the bound, new ones are dropped, and the loss is counted. None of this
 * delays mail: Postfix does not wait.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { DomainCount } from "../tlsrpt/session.ts";
import { Sums } from "./sums.ts";

/** The store gets what there is this often, ms. */
const FLUSH_MS = 1000;

/** Domains handed over at once: ten milliseconds of work. */
const PART_DOMAINS = 250;

/** Between two parts, ms. */
const PART_PAUSE_MS = 1;

/** Keys held, some 500 octets each. */
const MAX_KEYS = 50_000;

/** From this share of the bound on, a part is handed over at once: what lives long costs most as garbage. */
const PRESSURE = 0.1;

/** A day, ms. */
const DAY_MS = 24 * 3600 * 1000;

/** Where the counts go. */
export interface CountStore {
  /** Adds a batch. @returns What was dropped; `undefined` if nothing was taken. */
  count(batch: { day: number; counts: Iterable<DomainCount> }): number | undefined;
  /** Called once a second, after the counts. */
  flush(): void;
}

/** Options of {@link Aggregator}. */
export interface AggregatorOptions {
  /** Where the counts go. */
  readonly store: CountStore;
  /** Decides which day it is. */
  readonly clock: Clock;
  /** Where sessions and losses are counted. */
  readonly metrics: Metrics;
  /** The bound, for tests. @default {MAX_KEYS} */
  readonly maxKeys?: number;
}

/** The sums in memory. No method throws. */
export class Aggregator {
  readonly #options: AggregatorOptions;
  readonly #maxKeys: number;
  readonly #sessions;
  readonly #dropped;
  readonly #days = new Map<number, Sums>();
  #isStuck = false;
  #notBefore = 0;
  #cancel: () => void;

  /** Starts to hand over once a second. */
  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#maxKeys = options.maxKeys ?? MAX_KEYS;
    this.#sessions = options.metrics.counter(
      "mta_sts_report_sessions_total",
      "TLS sessions counted for reports, by the kind of policy and outcome.",
      ["policy", "outcome"],
    );
    for (const policy of ["sts", "tlsa", "no-policy-found"]) {
      for (const outcome of ["ok", "failed"]) this.#sessions.cell(policy, outcome);
    }
    this.#dropped = options.metrics.counter(
      "mta_sts_report_dropped_total",
      "Sessions and failures that no report will have, because file and memory were full.",
    ).cell();
    this.#cancel = options.clock.setTimer(() => this.#onTimer(), FLUSH_MS);
  }

  /** Keys held in memory. */
  get size(): number {
    let keys = 0;
    for (const { size } of this.#days.values()) keys += size;
    return keys;
  }

  /**
   * Closes the days before `day`: what comes from now on counts for that or a later one.
   *
   * @returns Whether the store has all of the days before.
   */
  settle(day: number): boolean {
    this.#notBefore = Math.max(this.#notBefore, day);
    for (const held of this.#days.keys()) if (held < day) return false;
    return true;
  }

  /** Counts what happened just now with one domain. */
  add(count: DomainCount): void {
    const day = Math.max(Math.floor(this.#options.clock.now() / DAY_MS), this.#notBefore);
    let sums = this.#days.get(day);
    if (sums === undefined) this.#days.set(day, sums = new Sums());
    const size = this.#days.size === 1 ? sums.size : this.size;
    this.#dropped.value += sums.add(count, this.#maxKeys - size);
    for (const { policy, ok, failed } of count.policies) {
      if (ok > 0) this.#sessions.cell(policy.type, "ok").value += ok;
      if (failed > 0) this.#sessions.cell(policy.type, "failed").value += failed;
    }
    if (size >= this.#maxKeys * PRESSURE && !this.#isStuck) this.#handOver();
  }

  /** Hands over what there is. @returns Whether nothing is left. */
  flush(): boolean {
    while (this.#days.size > 0) {
      this.#handOver();
      if (this.#isStuck) return false;
    }
    return true;
  }

  /** Hands over what there is, and ends. */
  close(): void {
    this.#cancel();
    this.flush();
  }

  #onTimer(): void {
    if (this.#isStuck) this.#options.store.flush();
    let left = 0;
    for (const { domains } of this.#days.values()) left += domains;
    this.#handOverSome(left);
  }

  /** Hands over that many domains, a part at a time; then the next second begins. */
  #handOverSome(left: number): void {
    const { store, clock } = this.#options;
    if (left > 0) left -= this.#handOver();
    if (left > 0 && !this.#isStuck) {
      this.#cancel = clock.setTimer(() => this.#handOverSome(left), PART_PAUSE_MS);
      return;
    }
    if (!this.#isStuck) store.flush();
    this.#cancel = clock.setTimer(() => this.#onTimer(), FLUSH_MS);
  }

  /** Hands over a part of the oldest day. @returns Number of domains. */
  #handOver(): number {
    const [first] = this.#days;
    if (first === undefined) return 0;
    const [day, sums] = first;
    const counts = sums.take(PART_DOMAINS);
    const dropped = this.#options.store.count({ day, counts });
    this.#isStuck = dropped === undefined;
    if (dropped === undefined) {
      for (const count of counts) sums.add(count, Infinity);
      return 0;
    }
    this.#dropped.value += dropped;
    if (sums.domains === 0) this.#days.delete(day);
    return counts.length;
  }
}
