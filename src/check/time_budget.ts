/**
 * Time limits for a conversation: one for each step and one for the whole. So a host that answers each
 * step just in time cannot keep us for ever.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/wait.ts";

/** Options of {@link TimeBudget}, all in milliseconds. */
export interface TimeBudgetOptions {
  readonly clock: Clock;
  readonly step: number;
  readonly total: number;
}

/** The time limits of one conversation, counted from its creation. */
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
   * @param abandon Called on timeout to make `work` end. `run` does not wait for that.
   * @returns The result of `work`, or `"timeout"`.
   */
  async run<T>(work: Promise<T>, abandon: () => void): Promise<T | "timeout"> {
    const left = Math.max(0, this.#end - this.#clock.now());
    const done = await withDeadline(work.then((value) => ({ value })), {
      ms: Math.min(this.#step, left),
      clock: this.#clock,
    });
    if (done !== undefined) return done.value;
    abandon();
    return "timeout";
  }
}
