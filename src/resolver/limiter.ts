/**
 * Bounds how much work runs at once, and how fast other than urgent work is begun. Work for domains whose
 * policy is held is urgent: a flood of unknown names can neither keep known policies from being checked nor
 * take the time in which known domains are answered.
 *
 * Nor can slow domains keep a new one waiting, whosever they are: work that has taken a second waits for
 * somebody's servers, and gives its place to others while it goes on; the names of one owner get a quarter of
 * the places; and once there is such a queue that work waits for a second, the newest goes first, for its
 * query has the most time left.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { createOwnerShare } from "./owner_share.ts";

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

/** Work that has run for this long is slow, ms: a check of a domain that is well takes a few round trips. */
const SLOW_MS = 1000;

/**
 * Slow work that runs beside the places, as a multiple of these: with the default of 256 places as many
 * questions as a connection to the DNS resolver has open at once.
 */
const SLOW_PER_PLACE = 1;

/** Work of one owner's domains takes at most this share of the places, its slow work included. */
const OWNER_SHARE = 0.25;

/** When the first in the queue has waited for longer than this, ms, the last comes first. */
const PATIENCE_MS = 1000;

/** How work is to be run. */
export interface WorkOptions {
  /** Goes before all work that is not. */
  readonly urgent?: boolean;
  /** Whose domain it is for; urgent work is not counted. */
  readonly owner?: string;
}

/** Runs work under the limit. */
export interface Limiter {
  /**
   * Runs `work` when its turn comes.
   *
   * @returns What the work returns, or `undefined` at once when too much waits already.
   */
  run<T>(work: () => Promise<T>, options?: WorkOptions): Promise<T> | undefined;
  /** Work under way and waiting. */
  load(): { running: number; waiting: number };
}

/** What a piece of work holds while it runs. */
interface Place {
  readonly since: number;
}

/** Work that waits. */
interface Waiting {
  readonly since: number;
  start(place: Place): void;
}

/**
 * @param maxRunning Work under way at once, besides what is slow.
 * @param clock Whose timer measures the slices.
 */
export function createLimiter(maxRunning: number, clock: Clock): Limiter {
  const urgentQueue: Waiting[] = [];
  const queue: Waiting[] = [];
  /** Places taken, the longest first; slow work has none. */
  const places = new Set<Place>();
  const maxSlow = maxRunning * SLOW_PER_PLACE;
  let slow = 0;
  const shares = createOwnerShare(Math.ceil(maxRunning * OWNER_SHARE));
  const slices = createSlices(clock, startNext);
  let cancel: (() => void) | undefined;

  function startNext(): void {
    freeSlowPlaces();
    while (places.size < maxRunning) {
      const next = urgentQueue.shift() ?? (queue.length > 0 && slices.take() ? take() : undefined);
      if (next === undefined) break;
      const place = { since: clock.now() };
      places.add(place);
      next.start(place);
    }
    watchPlaces();
  }

  function take(): Waiting | undefined {
    const isLate = clock.now() - (queue[0]?.since ?? 0) > PATIENCE_MS;
    return isLate ? queue.pop() : queue.shift();
  }

  function isCrowded(): boolean {
    return places.size >= maxRunning && slow < maxSlow && urgentQueue.length + queue.length > 0;
  }

  function freeSlowPlaces(): void {
    if (!isCrowded()) return;
    const now = clock.now();
    for (const place of places) {
      if (now - place.since < SLOW_MS || slow >= maxSlow) return;
      places.delete(place);
      slow++;
    }
  }

  /** Comes back when the oldest place is one of slow work, if somebody waits for that. */
  function watchPlaces(): void {
    const [oldest] = places;
    if (oldest === undefined || !isCrowded()) {
      cancel?.();
      cancel = undefined;
      return;
    }
    cancel ??= clock.setTimer(() => {
      cancel = undefined;
      startNext();
    }, Math.max(0, oldest.since + SLOW_MS - clock.now()));
  }

  function enter(options: WorkOptions, start: Waiting["start"]): boolean {
    const { urgent = false, owner } = options;
    const waiting: Waiting = { since: clock.now(), start };
    if (urgent || owner === undefined) {
      (urgent ? urgentQueue : queue).push(waiting);
      return true;
    }
    let isNew = true;
    // What comes out of its owner's own queue stands behind the newer work of others when that goes first.
    const isIn = shares.enter(owner, () => isNew ? queue.push(waiting) : queue.unshift(waiting));
    isNew = false;
    return isIn;
  }

  function end(place: Place, { urgent = false, owner }: WorkOptions): void {
    if (!places.delete(place)) slow--;
    if (!urgent && owner !== undefined) shares.leave(owner);
    startNext();
  }

  return {
    run<T>(work: () => Promise<T>, options: WorkOptions = {}): Promise<T> | undefined {
      if (urgentQueue.length + queue.length + shares.waiting() >= MAX_WAITING) return undefined;
      let isIn = false;
      const turn = new Promise<Place>((start) => isIn = enter(options, start));
      if (!isIn) return undefined;
      startNext();
      return turn.then(async (place) => {
        try {
          return await work();
        } finally {
          end(place, options);
        }
      });
    },
    load: () => ({
      running: places.size + slow,
      waiting: urgentQueue.length + queue.length + shares.waiting(),
    }),
  };
}

/** Doles out the starts of other than urgent work; `next` is called when there are new ones. */
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
