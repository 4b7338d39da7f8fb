/**
 * Closes days: the domains of a past day get their places in the queue of deliveries.
 *
 * It does a few domains at a time and notes in the file how far it got, so that no datagram waits, and a killed process
 * goes on where it stopped. A day is over when the proven time says so: a clock that jumps ahead for a moment closes
 * nothing, and one that goes back reopens nothing.
 *
 * The time of a report within the window follows from the secret of the file, the day and the domain: spread evenly
 * (RFC 8460 §5.3 and §5.4 ask for a random delay), and the same after a restart.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { messageOf } from "../base/error_text.ts";
import type { ProvenClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** A day, ms. */
const DAY_MS = 24 * 3600 * 1000;

/** A day closes this long after its end, ms: what waits in queues is counted by then. */
const CLOSE_AFTER_MS = 2 * 60_000;

/** The first report is due this long after the end of a day, ms. */
const FIRST_DUE_MS = 5 * 60_000;

/** Domains of a slice: a few milliseconds. */
const SLICE_DOMAINS = 50;

/** Between two slices, ms: datagrams that have arrived are read. */
const SLICE_PAUSE_MS = 5;

/** Between two looks at the clock, ms. */
const LOOK_MS = 10_000;

/** Before this nothing closes, ms since the epoch: a machine without a clock starts in 1970 or at the date of its image. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);

/** Looks after which old days are forgotten: once an hour. */
const LOOKS_PER_PRUNE = 360;

/** The store, as far as days are concerned. Methods throw if the file cannot be used. */
export interface DayStore {
  /** The oldest day before `today` that is not closed. */
  nextToClose(today: number): { readonly day: number; readonly cursor: string } | undefined;
  /** Plans the next domains. @returns Whether the day is closed with this. */
  planSlice(
    open: { readonly day: number; readonly cursor: string },
    options: { limit: number; dueAt: (domain: string, instance: Uint8Array) => number },
  ): boolean;
  /** Forgets days before `day`. @returns Number of rows deleted. */
  prune(day: number): number;
}

/** Options of {@link startDayClose}. */
export interface DayCloseOptions {
  /** Where days are. */
  readonly store: DayStore;
  /** Tells when a day is over. */
  readonly clock: ProvenClock;
  /** Where a closed day is logged. */
  readonly log: Log;
  /** Nothing counts for days before `day` from then on. @returns Whether the store has all of them. */
  readonly settle: (day: number) => boolean;
  /** The time over which reports are spread, ms; asked for each day. */
  readonly window: () => number;
  /** Days that are kept; asked each hour. */
  readonly keepDays: () => number;
}

/**
 * Starts to close days.
 *
 * @returns A function that stops it.
 */
export function startDayClose(options: DayCloseOptions): () => void {
  const { store, clock, log } = options;
  let looks = 0;
  let hasMore = false;
  let cancel = clock.setTimer(look, 0);

  function look(): void {
    let pause = LOOK_MS;
    try {
      if (closeSlice()) pause = SLICE_PAUSE_MS;
      else prune();
    } catch (error) {
      // The keeper of the file has logged what is wrong with it.
      log.debug("days wait for the report file", { error: messageOf(error) });
    }
    cancel = clock.setTimer(look, hasMore ? Math.min(pause, SLICE_PAUSE_MS) : pause);
  }

  /** @returns Whether there may be more to do. */
  function closeSlice(): boolean {
    const time = clock.proven();
    if (time < EARLIEST_MS) return false;
    const today = Math.floor((time - CLOSE_AFTER_MS) / DAY_MS);
    const open = store.nextToClose(today);
    if (open === undefined || !options.settle(open.day + 1)) return false;
    const { day } = open;
    const window = options.window();
    const isClosed = store.planSlice(open, {
      limit: SLICE_DOMAINS,
      dueAt: (domain, instance) =>
        (day + 1) * DAY_MS + FIRST_DUE_MS + window * share(instance, `${day} ${domain}`),
    });
    if (isClosed) {
      log.info("day closed", { day: new Date(day * DAY_MS).toISOString().slice(0, 10) });
    }
    return true;
  }

  function prune(): void {
    if (looks++ % LOOKS_PER_PRUNE !== 0 && !hasMore) return;
    const today = Math.floor(clock.proven() / DAY_MS);
    hasMore = store.prune(today - options.keepDays()) > 0;
  }

  return () => cancel();
}

/** A number in [0, 1) that nobody can foresee who does not know the secret. */
function share(instance: Uint8Array, text: string): number {
  const hash = createHmac("sha256", instance).update(text).digest();
  return hash.readUInt32BE(0) / 2 ** 32;
}
