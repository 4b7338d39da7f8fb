/**
 * How many fetches may run at once, in all and to one address.
 *
 * The limit for an address keeps us from hammering a host that serves thousands of
 * domains, or a victim whose address someone put into thousands of names, and
 * keeps one slow host from taking up every place.
 *
 * @module
 */

/** Fetches that may wait for a place; one more is turned away at once. More could not start before their deadline. */
const MAX_WAITING = 1000;

/** What {@link createFetchLimits} needs. */
export interface FetchLimitOptions {
  /** Fetches under way at once. */
  readonly concurrency: number;
  /** Of these, to one address. */
  readonly perAddress: number;
}

/** Places for fetches. */
export interface FetchLimits {
  /**
   * Waits for a place; first come, first served among those that could start.
   *
   * @param addresses Every address the fetch may connect to: it counts against each.
   * @param signal Ends the wait.
   * @returns A function that gives the place back, once; `undefined` when the wait ended or too many wait.
   */
  acquire(addresses: readonly string[], signal: AbortSignal): Promise<(() => void) | undefined>;
  /** Places taken. */
  running(): number;
}

/** Creates the places, all free. */
export function createFetchLimits(options: FetchLimitOptions): FetchLimits {
  const { concurrency, perAddress } = options;
  const waiting = new Set<{ addresses: readonly string[]; start(): void }>();
  const perAddressRunning = new Map<string, number>();
  let running = 0;

  function isFree(addresses: readonly string[]): boolean {
    return running < concurrency &&
      addresses.every((address) => (perAddressRunning.get(address) ?? 0) < perAddress);
  }

  function count(addresses: readonly string[], change: 1 | -1): void {
    running += change;
    for (const address of addresses) {
      const now = (perAddressRunning.get(address) ?? 0) + change;
      if (now === 0) perAddressRunning.delete(address);
      else perAddressRunning.set(address, now);
    }
  }

  function take(addresses: readonly string[]): () => void {
    count(addresses, 1);
    return () => {
      count(addresses, -1);
      for (const waiter of waiting) if (isFree(waiter.addresses)) waiter.start();
    };
  }

  return {
    running: () => running,
    acquire(addresses, signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      // Whoever waits cannot start now, so there is nobody to overtake.
      if (isFree(addresses)) return Promise.resolve(take(addresses));
      if (waiting.size >= MAX_WAITING) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const end = (place: (() => void) | undefined) => {
          waiting.delete(waiter);
          signal.removeEventListener("abort", giveUp);
          resolve(place);
        };
        const giveUp = () => end(undefined);
        const waiter = { addresses, start: () => end(take(addresses)) };
        waiting.add(waiter);
        signal.addEventListener("abort", giveUp);
      });
    },
  };
}
