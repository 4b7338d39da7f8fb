/**
 * Waits that end: by a deadline, by a signal, or by the clock alone.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** How long a wait may take. */
export interface WaitOptions {
  /** Milliseconds. */
  readonly ms: number;
  /** The clock whose timer ends the wait. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Ends the wait before its time. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for a promise, but no longer than a deadline allows.
 *
 * @param promise Goes on after the deadline. A later rejection is ignored.
 * @returns The promise's value, or `undefined` if the time ends or the signal aborts first.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  { ms, clock, signal }: WaitOptions,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
    };
    const giveUp = () => {
      end();
      resolve(undefined);
    };
    const cancel = clock.setTimer(giveUp, ms);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    promise.then(resolve, reject).finally(end);
  });
}

/** Waits until a promise settles or the signal is aborted. Never rejects. */
export function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener("abort", end);
      resolve();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    promise.then(end, end);
  });
}

/** Waits for `ms` milliseconds. */
export function sleep(ms: number, clock: WaitOptions["clock"]): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, ms));
}
