/**
 * Time for a conversation: so much for each step, and so much in all, lest a host that answers each
 * step just in time keeps us for ever.
 *
 * @module
 */

import type { Clock } from "../resolver/clock.ts";

/** Options of {@link TimeBudget}, all in milliseconds. */
export interface TimeBudgetOptions {
  readonly clock: Clock;
  readonly step: number;
  readonly total: number;
}

/** The time of one conversation, from its creation on. */
export class TimeBudget {
  readonly #clock: Clock;
  readonly #step: number;
  readonly #end: number;

  constructor({ clock, step, total }: TimeBudgetOptions) {
    this.#clock = clock;
    this.#step = step;
    this.#end = clock.now() + total;
  }

  /**
   * Waits for one step.
   *
   * @param work Must not reject.
   * @param abandon Called when the time is over, to make `work` end; nobody waits for that.
   * @returns What `work` came to, or `"timeout"`.
   */
  run<T>(work: Promise<T>, abandon: () => void): Promise<T | "timeout"> {
    const left = Math.max(0, this.#end - this.#clock.now());
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(() => {
        resolve("timeout");
        abandon();
      }, Math.min(this.#step, left));
      work.then((value) => {
        cancel();
        resolve(value);
      });
    });
  }
}
