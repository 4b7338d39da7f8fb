/**
 * UTC days as the rows of received reports have them, `YYYY-MM-DD`, and as numbers.
 *
 * @module
 */

/** A day, ms. */
export const DAY_MS: number = 24 * 3600 * 1000;

/** Half a day, ms: the middle of a report about one day. */
const HALF_DAY_MS = DAY_MS / 2;

/** The last day that a row can have, days since the epoch: the end of the year 9999, the last that is written alike. */
const LAST_DAY = Math.floor(Date.UTC(9999, 11, 31) / DAY_MS);

/** The number of the day of a time in ms since the epoch. A time before 1970 or after 9999 has the nearest one. */
export function dayNumber(time: number): number {
  return Math.max(0, Math.min(LAST_DAY, Math.floor(time / DAY_MS) || 0));
}

/** A day as text. @param day Days since the epoch. */
export function formatDay(day: number): string {
  const kept = Math.max(0, Math.min(LAST_DAY, Math.floor(day) || 0));
  return new Date(kept * DAY_MS).toISOString().slice(0, "2026-11-27".length);
}

/** Reads a day such as `2026-11-27`; `undefined` if it is none. */
export function parseDay(text: string): number | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(time) || time < 0) return undefined;
  const day = time / DAY_MS;
  return formatDay(day) === text ? day : undefined;
}

/**
 * The day that a report counts for: that of the middle of its range, or of the middle of its first 24 hours if it is
 * longer.
 *
 * RFC 8460 §4.1 wants one UTC day. Some senders take 24 hours from anywhere; most of those lie on the day of the
 * middle. A report about a week says nothing about its days, so all of it counts for the first.
 *
 * @param range Ms since the epoch; a range that ends before it begins counts for the day of `begin`.
 */
export function countedDay(
  { begin, end }: { readonly begin: number; readonly end: number },
): number {
  const half = Math.max(0, Math.min(HALF_DAY_MS, (end - begin) / 2));
  return dayNumber(begin + half);
}
