/**
 * When a report that was not accepted is tried again (RFC 8460 §5.5: for 24 hours, at growing distances).
 *
 * @module
 */

import type { DeliveryOutcome } from "../reports/types.ts";
import type { Attempt } from "./attempt.ts";

/** The first repetition comes after this time, ms; each further one after twice as long. */
const FIRST_PAUSE_MS = 5 * 60_000;

/** A delivery ends after this time, ms. */
const TRIED_FOR_MS = 24 * 3600 * 1000;

/** But not before so many tries: the daemon may have been down while the time passed. */
const TRIES_MIN = 5;

/** A pause is shorter or longer by up to this share, so that what failed together does not come back together. */
const JITTER = 0.25;

/** How far a delivery has come. */
export interface TriedDelivery {
  /** Tries before the one that has just failed. */
  readonly attempts: number;
  /** When the first was due, ms. */
  readonly firstAt: number;
}

/**
 * The time of the next try.
 *
 * @param options `now` in ms; `random` gives a number in [0, 1).
 * @returns ms since the epoch; `undefined` if it was the last.
 */
export function nextTry(
  { attempts, firstAt }: TriedDelivery,
  { now, random }: { readonly now: number; readonly random: () => number },
): number | undefined {
  const end = firstAt + TRIED_FOR_MS;
  if (now >= end && attempts + 1 >= TRIES_MIN) return undefined;
  const pause = FIRST_PAUSE_MS * 2 ** Math.min(attempts, 8);
  const next = now + pause * (1 + JITTER * (2 * random() - 1));
  // The last try is at the end of the time.
  return Math.round(Math.min(next, Math.max(end, now + FIRST_PAUSE_MS)));
}

/**
 * What a try means for a delivery.
 *
 * @param options As in {@link nextTry}.
 */
export function outcomeOf(
  row: TriedDelivery,
  attempt: Attempt,
  options: { readonly now: number; readonly random: () => number },
): DeliveryOutcome {
  if (attempt.kind === "accepted") return { state: "sent" };
  const { error } = attempt;
  if (attempt.kind === "refused") return { state: "refused", error };
  const dueAt = nextTry(row, options);
  return dueAt === undefined ? { state: "expired", error } : { state: "due", dueAt, error };
}
