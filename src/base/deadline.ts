/**
 * Waiting with an end.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/**
 * Waits for a promise, but not longer than told.
 *
 * @param promise Goes on by itself after the deadline; a later rejection is not lost on anyone else who awaits it.
 * @param options How many milliseconds to wait, and whose timer to use.
 * @returns The promise's value, or `undefined` when the time is over first.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  { ms, clock }: { ms: number; clock: Clock },
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(() => resolve(undefined), ms);
    promise.then(resolve, reject).finally(cancel);
  });
}
