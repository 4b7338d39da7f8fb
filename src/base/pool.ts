/**
 * Limits how much work runs at the same time. Work waits for a place for as long as it takes. For work that
 * strangers can cause, `resolver/limiter.ts` and `https/fetch_limits.ts` bound the wait as well.
 *
 * @module
 */

/** Runs work as soon as there is a place for it: first come, first served. */
export type Pool = <T>(work: () => Promise<T>) => Promise<T>;

/** Creates a pool. @param places Pieces of work that run at the same time. */
export function createPool(places: number): Pool {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
