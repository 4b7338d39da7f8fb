/**
 * Deletes expired rows, a slice at a time, so that nothing waits for long.
 *
 * @module
 */

import { DAY_MS, dayNumber } from "./days.ts";
import type { ReceivedDb } from "./received_db.ts";
import * as sql from "./statements.ts";

/** Rows of a table that one slice drops: 10 to 20 ms. Once a minute, that is 1.4 million a day. */
export const PRUNE_ROWS = 1000;

/** Days that reports are kept with their bodies. Counts say what matters, and live longer. */
export const BODY_DAYS = 30;

/** Days that arrivals are counted for: today, and yesterday for clocks around midnight. */
const ARRIVAL_DAYS = 1;

/**
 * Drops a slice. To be called within a transaction.
 *
 * @param keepDays Days that counts are kept.
 * @returns Rows dropped.
 */
export function pruneSlice(
  file: ReceivedDb,
  { now, keepDays }: { readonly now: number; readonly keepDays: number },
): number {
  const today = dayNumber(now);
  const before = today - keepDays;
  let counts = 0;
  for (const text of sql.PRUNE_COUNTS) counts += file.change(text, before, PRUNE_ROWS);
  let rows = counts + file.change(sql.PRUNE_REPORTS, now - BODY_DAYS * DAY_MS, PRUNE_ROWS);
  for (const text of [sql.PRUNE_ARRIVALS, sql.PRUNE_TALLIES]) {
    rows += file.change(text, today - ARRIVAL_DAYS, PRUNE_ROWS);
  }
  // A word may go only when no row of its last day is left.
  if (counts === 0) {
    const words = file.change(sql.PRUNE_WORDS, before, PRUNE_ROWS);
    if (words > 0) file.recountWords();
    rows += words;
  }
  file.all(sql.VACUUM);
  return rows;
}
