/**
 * Waiting with an end.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/**
 * Waits for a promise, but not longer than `ms` milliseconds.
 *
 * @param promise Goes on by itself after the deadline; a later rejection is not lost on anyone else who awaits it.
 * @param ms Milliseconds to wait.
 * @param clock Whose timer to use.
 * @returns The promise's value, or `undefined` when the time is over first.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  ms: number,
  clock: Clock,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(() => resolve(undefined), ms);
    promise.then(resolve, reject).finally(cancel);
  });
}
