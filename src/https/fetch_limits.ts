/**
 * How many fetches may run at once, in all and to one address.
 *
 * The limit for an address keeps us from hammering a host that serves thousands of
 * domains, or a victim whose address someone put into thousands of names, and
 * keeps one slow host from taking up every place.
 *
 * Hosts that hang, on however many addresses, keep nobody from a place for long: a fetch that has had its
 * place for two seconds gives way when another one waits for it, the oldest first. While nobody waits, a
 * slow host has all the time of the deadline.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** Fetches that may wait for a place; one more ends the wait of the oldest, whose query was answered long ago. */
const MAX_WAITING = 1000;

/**
 * How long a place is anybody's own, ms: policy hosts that are well answer in a fraction of this, and a fetch
 * that has to wait for it, twice at worst, still ends within the ten seconds of its query.
 */
const GRACE_MS = 2000;

/** When the first in the queue has waited for longer than this, ms, the last wanted comes first: its query still waits. */
const PATIENCE_MS = 1000;

/** What {@link createFetchLimits} needs. */
export interface FetchLimitOptions {
  /** Fetches under way at once. */
  readonly concurrency: number;
  /** Of these, to one address. */
  readonly perAddress: number;
  readonly clock: Clock;
}

/** Who wants a place. */
export interface PlaceOptions {
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called when another fetch needs the place: it is to be given back as soon as can be. */
  giveWay(): void;
  /** The higher, the later it was wanted. @default {The order of the calls.} */
  readonly turn?: number | undefined;
}

/** Places for fetches. */
export interface FetchLimits {
  /**
   * Waits for a place; first come, first served among those that could start, while none waits for long.
   *
   * @param addresses Every address the fetch may connect to: it counts against each.
   * @returns A function that gives the place back, once; `undefined` when the wait ended or too many wait.
   */
  acquire(
    addresses: readonly string[],
    options: PlaceOptions,
  ): Promise<(() => void) | undefined>;
  /** Places taken. */
  running(): number;
}

/** A fetch that has a place. */
interface Holder {
  readonly addresses: readonly string[];
  readonly since: number;
  readonly giveWay: () => void;
  isGivingWay: boolean;
}

/** A fetch that waits for one. */
interface Waiter {
  readonly addresses: readonly string[];
  readonly since: number;
  readonly turn: number;
  start(): void;
  giveUp(): void;
}

/** Creates the places, all free. */
export function createFetchLimits(options: FetchLimitOptions): FetchLimits {
  const { concurrency, perAddress, clock } = options;
  const waiting = new Set<Waiter>();
  /** In order of their start. */
  const holders = new Set<Holder>();
  const perAddressRunning = new Map<string, number>();
  let cancel: (() => void) | undefined;
  let calls = 0;

  function isFull(address: string): boolean {
    return (perAddressRunning.get(address) ?? 0) >= perAddress;
  }

  function isFree(addresses: readonly string[]): boolean {
    return holders.size < concurrency && !addresses.some(isFull);
  }

  function count(addresses: readonly string[], change: 1 | -1): void {
    for (const address of addresses) {
      const now = (perAddressRunning.get(address) ?? 0) + change;
      if (now === 0) perAddressRunning.delete(address);
      else perAddressRunning.set(address, now);
    }
  }

  function take(addresses: readonly string[], giveWay: () => void): () => void {
    const holder: Holder = { addresses, since: clock.now(), giveWay, isGivingWay: false };
    holders.add(holder);
    count(addresses, 1);
    return () => {
      if (!holders.delete(holder)) return;
      count(addresses, -1);
      startWaiting();
    };
  }

  /** Those who wait, in the order of their turns. */
  function queue(): Waiter[] {
    const all = [...waiting];
    const [first] = all;
    const isLate = first !== undefined && clock.now() - first.since > PATIENCE_MS;
    return isLate ? all.sort((a, b) => b.turn - a.turn) : all;
  }

  function startWaiting(): void {
    for (const waiter of queue()) if (isFree(waiter.addresses)) waiter.start();
    makeWay();
  }

  /** Has as many holders give way as there are fetches in whose way they are, and that no other will leave. */
  function makeWay(): void {
    const now = clock.now();
    const settled = [...holders].filter(({ isGivingWay }) => !isGivingWay);
    const old = settled.filter(({ since }) => now - since >= GRACE_MS);
    const leaving = holders.size - settled.length;
    if (old.length > 0) {
      for (const waiter of queue().slice(leaving)) {
        const full = waiter.addresses.filter(isFull);
        const holder = old.find(({ isGivingWay, addresses }) =>
          !isGivingWay && (full.length === 0 || full.some((address) => addresses.includes(address)))
        );
        if (holder === undefined) continue;
        holder.isGivingWay = true;
        holder.giveWay();
      }
    }
    watchHolders();
  }

  /** Comes back when the next holder has had its time, if somebody waits. */
  function watchHolders(): void {
    cancel?.();
    cancel = undefined;
    if (waiting.size === 0) return;
    const now = clock.now();
    const next = [...holders].find(({ since }) => now - since < GRACE_MS);
    if (next !== undefined) cancel = clock.setTimer(makeWay, next.since + GRACE_MS - now);
  }

  return {
    running: () => holders.size,
    acquire(addresses, { signal, giveWay, turn }) {
      if (signal.aborted) return Promise.resolve(undefined);
      // Whoever waits cannot start now, so there is nobody to overtake.
      if (isFree(addresses)) return Promise.resolve(take(addresses, giveWay));
      if (waiting.size >= MAX_WAITING) [...waiting][0]?.giveUp();
      return new Promise((resolve) => {
        const end = (place: (() => void) | undefined) => {
          waiting.delete(waiter);
          signal.removeEventListener("abort", giveUp);
          if (waiting.size === 0) watchHolders();
          resolve(place);
        };
        const giveUp = () => end(undefined);
        const start = () => end(take(addresses, giveWay));
        const waiter: Waiter = {
          addresses,
          since: clock.now(),
          turn: turn ?? ++calls,
          start,
          giveUp,
        };
        waiting.add(waiter);
        signal.addEventListener("abort", giveUp);
        makeWay();
      });
    },
  };
}
