/**
 * Bounds how much work runs at once, and how fast other than urgent work is begun. Work for domains whose
 * policy is held is urgent: a flood of unknown names can neither keep known policies from being checked nor
 * take the time in which known domains are answered.
 *
 * @module
 */

import type { Clock } from "./clock.ts";

/** Waiting work beyond this many is refused: it could not start before its query gives up. */
const MAX_WAITING = 10_000;

/**
 * In each slice of time at most so many pieces of other than urgent work are begun. When a slice ends late,
 * the process has more to do than it can and answers wait for it: the next slice begins half as many, else
 * a few more. At the least it is a thousand a second, at the most what any resolver can take.
 */
const SLICE_MS = 10;
const LATE_MS = 12;
const STARTS = { least: 10, more: 5, most: 200 };

/** Runs work under the limit. */
export interface Limiter {
  /**
   * Runs `work` when its turn comes.
   *
   * @param urgent Goes before all work that is not.
   * @returns What the work returns, or `undefined` at once when too much waits already.
   */
  run<T>(work: () => Promise<T>, urgent: boolean): Promise<T> | undefined;
  /** Work under way and waiting. */
  load(): { running: number; waiting: number };
}

/**
 * @param maxRunning Work under way at once.
 * @param clock Whose timer measures the slices.
 */
export function createLimiter(maxRunning: number, clock: Clock): Limiter {
  const urgentQueue: (() => void)[] = [];
  const queue: (() => void)[] = [];
  let running = 0;
  let starts = STARTS.least;
  let startsLeft = starts;
  let sliceBegun = false;

  function startNext(): void {
    while (running < maxRunning) {
      const start = urgentQueue.shift() ?? takeOther();
      if (start === undefined) return;
      running++;
      start();
    }
  }

  function takeOther(): (() => void) | undefined {
    if (startsLeft === 0 || queue.length === 0) return undefined;
    startsLeft--;
    if (!sliceBegun) beginSlice();
    return queue.shift();
  }

  function beginSlice(): void {
    sliceBegun = true;
    const end = clock.now() + SLICE_MS;
    clock.setTimer(() => {
      sliceBegun = false;
      starts = clock.now() - end > LATE_MS
        ? Math.max(STARTS.least, Math.floor(starts / 2))
        : Math.min(STARTS.most, starts + (startsLeft === 0 ? STARTS.more : 0));
      startsLeft = starts;
      startNext();
    }, SLICE_MS);
  }

  return {
    run<T>(work: () => Promise<T>, urgent: boolean): Promise<T> | undefined {
      if (urgentQueue.length + queue.length >= MAX_WAITING) return undefined;
      const turn = new Promise<void>((resolve) => (urgent ? urgentQueue : queue).push(resolve));
      startNext();
      return turn.then(work).finally(() => {
        running--;
        startNext();
      });
    },
    load: () => ({ running, waiting: urgentQueue.length + queue.length }),
  };
}
