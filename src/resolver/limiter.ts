/**
 * Bounds how much work runs at once. Work for domains whose policy is held goes
 * first, so that a flood of unknown names cannot keep known policies from being
 * checked.
 *
 * @module
 */

/** Waiting work beyond this many is refused: at 256 at a time it could not start before its query gives up. */
const MAX_WAITING = 10_000;

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
 */
export function createLimiter(maxRunning: number): Limiter {
  const urgentQueue: (() => void)[] = [];
  const queue: (() => void)[] = [];
  let running = 0;

  function next(): void {
    const start = urgentQueue.shift() ?? queue.shift();
    if (start === undefined) running--;
    else start();
  }

  function turn(urgent: boolean): Promise<void> {
    if (running < maxRunning) {
      running++;
      return Promise.resolve();
    }
    return new Promise((resolve) => (urgent ? urgentQueue : queue).push(resolve));
  }

  return {
    run<T>(work: () => Promise<T>, urgent: boolean): Promise<T> | undefined {
      if (urgentQueue.length + queue.length >= MAX_WAITING) return undefined;
      return turn(urgent).then(work).finally(next);
    },
    load: () => ({ running, waiting: urgentQueue.length + queue.length }),
  };
}
