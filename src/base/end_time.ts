/**
 * The end of something as an operator writes it: a date, which counts to the end of its day in UTC, or a date
 * and time of day.
 *
 * @module
 */

/** Hours of the largest offset from UTC in use. */
const MAX_OFFSET_HOURS = 14;

const DAY_MS = 24 * 3600 * 1000;

const FORM =
  /^(2[01]\d\d)-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d))?(?:([Zz])|([+-])(\d\d):(\d\d))?)?$/;

/**
 * Reads an end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseEnd("2026-12-31"), Date.UTC(2027, 0, 1));
 * assertEquals(parseEnd("2026-12-31T18:00+01:00"), Date.UTC(2026, 11, 31, 17));
 * assertEquals(parseEnd("2026-02-30"), undefined);
 * ```
 * @param text `2026-12-31`, or `2026-12-31T18:00` with or without seconds and zone; UTC without a zone.
 * @returns The first moment after it, ms since the epoch; `undefined` for any other text, and for a day that
 *   does not exist. The years are 2000 to 2199.
 */
export function parseEnd(text: string): number | undefined {
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const number = (index: number) => parseInt(parts[index] ?? "0", 10);
  const [year, month, day] = [number(1), number(2), number(3)];
  const midnight = Date.UTC(year, month - 1, day);
  // A day that does not exist comes out as another one.
  if (new Date(midnight).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined;
  if (parts[4] === undefined) return midnight + DAY_MS;
  const [hours, minutes, seconds] = [number(4), number(5), number(6)];
  const [aheadHours, aheadMinutes] = [number(9), number(10)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  if (aheadHours > MAX_OFFSET_HOURS || aheadMinutes > 59) return undefined;
  const ahead = (aheadHours * 60 + aheadMinutes) * 60_000 * (parts[8] === "-" ? -1 : 1);
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000 - ahead;
}

/**
 * Writes an end so that {@link parseEnd} reads it back: the date alone if it is the end of a day in UTC.
 *
 * @param end As `parseEnd` returns it, ms.
 */
export function formatEnd(end: number): string {
  return end % DAY_MS === 0
    ? new Date(end - DAY_MS).toISOString().slice(0, 10)
    : new Date(end).toISOString().replace(".000Z", "Z");
}
