/**
 * Limits the fetches that run at once, in all and to one address.
 *
 * The limit for an address protects a host that serves thousands of domains, and a victim whose address someone
 * put into thousands of names. It also keeps one slow host from taking every place.
 *
 * Hosts that hang, on however many addresses, hold no place for long. If another fetch waits for it, a fetch
 * gives up its place after two seconds, the oldest first. While nobody waits, a slow host has all the time of
 * the deadline.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** Fetches that may wait for a place. One more ends the wait of the oldest, whose query was answered long ago. */
const MAX_WAITING = 1000;

/**
 * How long a fetch certainly keeps its place, ms. A healthy policy host answers in a fraction of this, and a fetch
 * that has to wait this long, twice at worst, still ends within the ten seconds of its query.
 */
const GRACE_MS = 2000;

/** After the first in the queue has waited this long, ms, the newest goes first, because its query still waits. */
const PATIENCE_MS = 1000;

/** What {@link createFetchLimits} needs. */
export interface FetchLimitOptions {
  /** Fetches under way at once. */
  readonly concurrency: number;
  /** Fetches to one address at once. */
  readonly perAddress: number;
  /** Times the waits and the fetches under way. */
  readonly clock: Clock;
}

/** How a fetch waits for a place, and gives it back. */
export interface PlaceOptions {
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called when another fetch needs the place. The fetch must then give it back as soon as it can. */
  giveWay(): void;
  /** Later fetches have higher numbers. @default {The order of the calls.} */
  readonly turn?: number | undefined;
}

/** Places for fetches. */
export interface FetchLimits {
  /**
   * Waits for a place. Of the fetches that could start, the first goes first, as long as none waits for long.
   *
   * @param addresses Every address that the fetch may connect to. It counts against each of them.
   * @returns A function that gives the place back, once; `undefined` if the signal ended the wait or too many wait.
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
  /** When it got the place, ms. */
  readonly since: number;
  readonly giveWay: () => void;
  isGivingWay: boolean;
}

/** A fetch that waits for a place. */
interface Waiter {
  readonly addresses: readonly string[];
  /** When it began to wait, ms. */
  readonly since: number;
  readonly turn: number;
  /** Ends the wait with a place. */
  start(): void;
  /** Ends the wait without one. */
  giveUp(): void;
}

/** Creates the places, all free. */
export function createFetchLimits(options: FetchLimitOptions): FetchLimits {
  return new Places(options);
}

class Places implements FetchLimits {
  readonly #options: FetchLimitOptions;
  readonly #waiting = new Set<Waiter>();
  /** Fetches that have a place, in order of their start. */
  readonly #holders = new Set<Holder>();
  readonly #runningPerAddress = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #calls = 0;

  constructor(options: FetchLimitOptions) {
    this.#options = options;
  }

  readonly running = (): number => this.#holders.size;

  acquire(
    addresses: readonly string[],
    options: PlaceOptions,
  ): Promise<(() => void) | undefined> {
    if (options.signal.aborted) return Promise.resolve(undefined);
    // A fetch that waits could not start now, so this one overtakes nobody.
    if (this.#isFree(addresses)) return Promise.resolve(this.#take(addresses, options.giveWay));
    if (this.#waiting.size >= MAX_WAITING) [...this.#waiting][0]?.giveUp();
    return new Promise((resolve) => this.#wait(addresses, options, resolve));
  }

  #isFull(address: string): boolean {
    return (this.#runningPerAddress.get(address) ?? 0) >= this.#options.perAddress;
  }

  #isFree(addresses: readonly string[]): boolean {
    return this.#holders.size < this.#options.concurrency &&
      !addresses.some((address) => this.#isFull(address));
  }

  #take(addresses: readonly string[], giveWay: () => void): () => void {
    const since = this.#options.clock.now();
    const holder: Holder = { addresses, since, giveWay, isGivingWay: false };
    this.#holders.add(holder);
    this.#count(addresses, 1);
    return () => {
      if (!this.#holders.delete(holder)) return;
      this.#count(addresses, -1);
      this.#startWaiting();
    };
  }

  #count(addresses: readonly string[], change: 1 | -1): void {
    for (const address of addresses) {
      const now = (this.#runningPerAddress.get(address) ?? 0) + change;
      if (now === 0) this.#runningPerAddress.delete(address);
      else this.#runningPerAddress.set(address, now);
    }
  }

  #wait(
    addresses: readonly string[],
    { signal, giveWay, turn = ++this.#calls }: PlaceOptions,
    resolve: (place: (() => void) | undefined) => void,
  ): void {
    const end = (place: (() => void) | undefined) => {
      this.#waiting.delete(waiter);
      signal.removeEventListener("abort", giveUp);
      if (this.#waiting.size === 0) this.#watchHolders();
      resolve(place);
    };
    const giveUp = () => end(undefined);
    const start = () => end(this.#take(addresses, giveWay));
    const since = this.#options.clock.now();
    const waiter: Waiter = { addresses, since, turn, start, giveUp };
    this.#waiting.add(waiter);
    signal.addEventListener("abort", giveUp);
    this.#makeWay();
  }

  /** The fetches that wait, in the order in which they may start. */
  #queue(): Waiter[] {
    const all = [...this.#waiting];
    const [first] = all;
    const isLate = first !== undefined &&
      this.#options.clock.now() - first.since > PATIENCE_MS;
    return isLate ? all.sort((a, b) => b.turn - a.turn) : all;
  }

  #startWaiting(): void {
    for (const waiter of this.#queue()) if (this.#isFree(waiter.addresses)) waiter.start();
    this.#makeWay();
  }

  /** Asks one holder to give way for each fetch that waits and for which no place is being given back already. */
  #makeWay(): void {
    const now = this.#options.clock.now();
    const settled = [...this.#holders].filter(({ isGivingWay }) => !isGivingWay);
    const old = settled.filter(({ since }) => now - since >= GRACE_MS);
    const leaving = this.#holders.size - settled.length;
    if (old.length > 0) {
      for (const waiter of this.#queue().slice(leaving)) {
        const full = waiter.addresses.filter((address) => this.#isFull(address));
        const holder = old.find(({ isGivingWay, addresses }) =>
          !isGivingWay && (full.length === 0 || full.some((address) => addresses.includes(address)))
        );
        if (holder === undefined) continue;
        holder.isGivingWay = true;
        holder.giveWay();
      }
    }
    this.#watchHolders();
  }

  /** While a fetch waits, looks again as soon as the next holder has had its time of grace. */
  #watchHolders(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#waiting.size === 0) return;
    const { clock } = this.#options;
    const now = clock.now();
    const next = [...this.#holders].find(({ since }) => now - since < GRACE_MS);
    if (next === undefined) return;
    this.#cancelTimer = clock.setTimer(() => this.#makeWay(), next.since + GRACE_MS - now);
  }
}
