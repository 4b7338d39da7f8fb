/**
 * Limits how much work runs at once, and how fast work that is not urgent may start. Work for domains whose
 * policy is held is urgent. So a flood of unknown names can neither keep known policies from their checks nor take
 * the time in which known domains are answered.
 *
 * Slow domains cannot keep a new one waiting either, whoever owns them. Work that has taken a second waits for
 * somebody's servers: it goes on, but gives its place to others. The names of one owner get a quarter of the places.
 * Once work waits for a second, the newest goes first, because its query has the most time left.
 *
 * Work that waits for another host of the fleet leaves its place meanwhile, and comes back before work that is new.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { createOwnerShare, type OwnerShare } from "./owner_share.ts";

/** Pieces of work that may wait. One more is refused: it could not start before its query gives up. */
const MAX_WAITING = 10_000;

/**
 * Each slice of time starts a limited number of pieces of work that are not urgent. If a slice ends late, the
 * process is overloaded and answers wait: the next slice may start half as many, else a few more. The least is
 * a thousand a second, the most is as many as any DNS resolver can take.
 */
const SLICE_MS = 10;
const LATE_MS = 12;
const STARTS = { least: 10, more: 5, most: 200 };

/** Work that has run for this long is slow, ms. The check of a healthy domain takes a few round trips. */
const SLOW_MS = 1000;

/**
 * Pieces of slow work that run besides those with a place, for each place. With the default of 256 places, it is
 * as many as the questions that a connection to the DNS resolver has open at once.
 */
const SLOW_PER_PLACE = 1;

/**
 * Pieces of work that have left their places, for each place. Each is a few closures; beyond this, work waits for
 * other hosts in its place, as for any other slow server.
 */
const AWAY_PER_PLACE = 8;

/** Share of the places that the domains of one owner may take, slow work included. */
const OWNER_SHARE = 0.25;

/** After the first in the queue has waited this long, ms, the newest goes first. */
const PATIENCE_MS = 1000;

/** How to run a piece of work. */
export interface WorkOptions {
  /** Whether it starts before all work that is not urgent. */
  readonly urgent?: boolean;
  /** Who owns the domain. Urgent work does not count against the owner's share. */
  readonly owner?: string;
}

/** The place that a piece of work runs in. */
export interface WorkPlace {
  /** Gives it to other work, if not too much work is away already. */
  leave(): void;
  /** Waits for a place again; at once if the work has one. Work that ends while it is away need not come back. */
  comeBack(): Promise<void>;
}

/** Runs work under the limit. */
export interface Limiter {
  /**
   * Runs `work` when its turn comes.
   *
   * @returns What the work returns; `undefined` at once if too much work waits already.
   */
  run<T>(work: (place: WorkPlace) => Promise<T>, options?: WorkOptions): Promise<T> | undefined;
  /** How many pieces of work run, those that are away included, and how many wait. */
  load(): { running: number; waiting: number };
}

/** What a piece of work holds while it runs. */
interface Place {
  /** When the work began, ms. */
  readonly since: number;
}

/** Work that waits. */
interface Waiting {
  /** When it began to wait, ms. */
  readonly since: number;
  start(place: Place): void;
}

/**
 * Creates a limiter.
 *
 * @param maxRunning Pieces of work that run at once, besides slow ones.
 * @param clock Its timer measures the slices.
 */
export function createLimiter(maxRunning: number, clock: Clock): Limiter {
  return new PlaceLimiter(maxRunning, clock);
}

class PlaceLimiter implements Limiter {
  readonly #clock: Clock;
  readonly #maxRunning: number;
  readonly #maxSlow: number;
  readonly #urgentQueue: Waiting[] = [];
  readonly #queue: Waiting[] = [];
  /** Work that was away and is not urgent. */
  readonly #backQueue: Waiting[] = [];
  /** Places taken, the longest first. Slow work has none. */
  readonly #places = new Set<Place>();
  readonly #shares: OwnerShare;
  readonly #slices: { take(): boolean };
  /** Pieces of slow work that run. */
  #slow = 0;
  readonly #maxAway: number;
  /** Pieces of work that are away; those that wait to come back are in a queue. */
  #away = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(maxRunning: number, clock: Clock) {
    this.#clock = clock;
    this.#maxRunning = maxRunning;
    this.#maxSlow = maxRunning * SLOW_PER_PLACE;
    this.#maxAway = maxRunning * AWAY_PER_PLACE;
    this.#shares = createOwnerShare(Math.ceil(maxRunning * OWNER_SHARE));
    this.#slices = createSlices(clock, () => this.#startNext());
  }

  run<T>(
    work: (place: WorkPlace) => Promise<T>,
    options: WorkOptions = {},
  ): Promise<T> | undefined {
    if (this.#queued() + this.#shares.waiting() >= MAX_WAITING) return undefined;
    let isIn = false;
    const turn = new Promise<Place>((start) => isIn = this.#enter(options, start));
    if (!isIn) return undefined;
    this.#startNext();
    return turn.then(async (first) => {
      let place: Place | undefined = first;
      try {
        return await work({
          leave: () => {
            if (place === undefined || this.#away >= this.#maxAway) return;
            this.#free(place);
            place = undefined;
            this.#away++;
            this.#startNext();
          },
          comeBack: async () => {
            if (place !== undefined) return;
            this.#away--;
            place = await this.#return(options);
          },
        });
      } finally {
        this.#end(place, options);
      }
    });
  }

  #return({ urgent = false }: WorkOptions): Promise<Place> {
    return new Promise((start) => {
      const waiting = { since: this.#clock.now(), start };
      (urgent ? this.#urgentQueue : this.#backQueue).push(waiting);
      this.#startNext();
    });
  }

  readonly load = (): { running: number; waiting: number } => ({
    running: this.#places.size + this.#slow + this.#away,
    waiting: this.#queued() + this.#shares.waiting(),
  });

  #queued(): number {
    return this.#urgentQueue.length + this.#backQueue.length + this.#queue.length;
  }

  #enter(options: WorkOptions, start: Waiting["start"]): boolean {
    const { urgent = false, owner } = options;
    const waiting: Waiting = { since: this.#clock.now(), start };
    if (urgent || owner === undefined) {
      (urgent ? this.#urgentQueue : this.#queue).push(waiting);
      return true;
    }
    let isNew = true;
    // Work that leaves its owner's queue is old. When the newest goes first, it stands behind the work of others.
    const isIn = this.#shares.enter(
      owner,
      () => isNew ? this.#queue.push(waiting) : this.#queue.unshift(waiting),
    );
    isNew = false;
    return isIn;
  }

  #startNext(): void {
    this.#freeSlowPlaces();
    while (this.#places.size < this.#maxRunning) {
      const next = this.#urgentQueue.shift() ?? this.#backQueue.shift() ?? this.#takeFromQueue();
      if (next === undefined) break;
      const place = { since: this.#clock.now() };
      this.#places.add(place);
      next.start(place);
    }
    this.#watchPlaces();
  }

  /** Takes the next work that is not urgent, if this slice has a start left. */
  #takeFromQueue(): Waiting | undefined {
    const [first] = this.#queue;
    if (first === undefined || !this.#slices.take()) return undefined;
    const isLate = this.#clock.now() - first.since > PATIENCE_MS;
    return isLate ? this.#queue.pop() : this.#queue.shift();
  }

  #isCrowded(): boolean {
    return this.#places.size >= this.#maxRunning && this.#slow < this.#maxSlow &&
      this.#queued() > 0;
  }

  #freeSlowPlaces(): void {
    if (!this.#isCrowded()) return;
    const now = this.#clock.now();
    for (const place of this.#places) {
      if (now - place.since < SLOW_MS || this.#slow >= this.#maxSlow) return;
      this.#places.delete(place);
      this.#slow++;
    }
  }

  /** While work waits for a place, looks again as soon as the oldest work that has one is slow. */
  #watchPlaces(): void {
    const [oldest] = this.#places;
    if (oldest === undefined || !this.#isCrowded()) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      return;
    }
    this.#cancelTimer ??= this.#clock.setTimer(() => {
      this.#cancelTimer = undefined;
      this.#startNext();
    }, Math.max(0, oldest.since + SLOW_MS - this.#clock.now()));
  }

  #free(place: Place): void {
    if (!this.#places.delete(place)) this.#slow--;
  }

  #end(place: Place | undefined, { urgent = false, owner }: WorkOptions): void {
    if (place === undefined) this.#away--;
    else this.#free(place);
    if (!urgent && owner !== undefined) this.#shares.leave(owner);
    this.#startNext();
  }
}

/** Hands out the starts of work that is not urgent. Calls `next` when there are new ones. */
function createSlices(clock: Clock, next: () => void): { take(): boolean } {
  let starts = STARTS.least;
  let startsLeft = starts;
  let isBegun = false;

  function begin(): void {
    isBegun = true;
    const end = clock.now() + SLICE_MS;
    clock.setTimer(() => {
      isBegun = false;
      starts = clock.now() - end > LATE_MS
        ? Math.max(STARTS.least, Math.floor(starts / 2))
        : Math.min(STARTS.most, starts + (startsLeft === 0 ? STARTS.more : 0));
      startsLeft = starts;
      next();
    }, SLICE_MS);
  }

  return {
    take(): boolean {
      if (startsLeft === 0) return false;
      startsLeft--;
      if (!isBegun) begin();
      return true;
    },
  };
}
