/**
 * A clock that moves only when told to. Timers fire in order of their time while
 * it moves, and between two of them all promises settle that can.
 *
 * @module
 */

import type { ProcessClock } from "../../src/base/clock.ts";

/** Enough turns of the microtask queue for any chain of awaits on fakes. */
const SETTLE_TURNS = 50;

/** Lets every promise that can settle do so, without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
}

/** The clock under the test's hand. */
export class ManualClock implements ProcessClock {
  #now: number;
  #timers = new Map<number, { at: number; callback: () => void }>();
  #serial = 0;

  /** @param start Milliseconds since the epoch. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  proven(): number {
    return this.#now;
  }

  seen(): void {}

  doubted(): number {
    return 0;
  }

  setTimer(callback: () => void, delay: number): () => void {
    const serial = this.#serial++;
    this.#timers.set(serial, { at: this.#now + Math.max(0, delay), callback });
    return () => this.#timers.delete(serial);
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms` milliseconds, firing what is due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      let next: { serial: number; at: number; callback: () => void } | undefined;
      for (const [serial, timer] of this.#timers) {
        if (timer.at <= end && (next === undefined || timer.at < next.at)) {
          next = { serial, ...timer };
        }
      }
      if (next === undefined) break;
      this.#timers.delete(next.serial);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}
