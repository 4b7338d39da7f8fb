/**
 * A deadline for replies that does not count the time in which this process itself was stalled.
 *
 * On a busy machine the event loop may run late by more than a deadline. Then timers fire before replies that have
 * already arrived are read, and a healthy engine would count as down.
 *
 * @module
 */

import type { WaitOptions } from "../base/wait.ts";
import type { Clock } from "../base/clock.ts";

/** A timer that fires later than it should by more than this, ms, shows that the process stood still. */
const STALL_MS = 20;

/** What replies get then, ms, to be read. */
const GRACE_MS = 50;

/** How often they get it; more stalls in a row are an overload, and the engine is better left alone. */
const GRACES_MAX = 5;

/** How long a wait may take, ms of a process that runs; the clock measures stalls too. */
export interface PatienceOptions extends WaitOptions {
  /** Time and timers. */
  readonly clock: Pick<Clock, "now" | "setTimer">;
}

/**
 * Waits for a promise that does not reject.
 *
 * @returns Its value, or `undefined` if the time ends or the signal aborts first.
 */
export function waitPatiently<T>(
  promise: Promise<T>,
  { ms, clock, signal }: PatienceOptions,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    let graces = 0;
    let cancel = () => {};
    const end = (value: T | undefined) => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
      resolve(value);
    };
    const giveUp = () => end(undefined);
    const arm = (delay: number) => {
      const due = clock.now() + delay;
      cancel = clock.setTimer(() => {
        const isStalled = clock.now() - due > STALL_MS;
        if (isStalled && graces++ < GRACES_MAX) arm(GRACE_MS);
        else giveUp();
      }, delay);
    };
    arm(ms);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    promise.then(end);
  });
}
