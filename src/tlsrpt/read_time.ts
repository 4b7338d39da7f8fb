/**
 * The times of received reports: RFC 3339, and what senders write in its place.
 *
 * @module
 */

import type { Deviations } from "./deviation.ts";
import type { ReceivedRange } from "./received.ts";

const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

/** RFC 3339 §5.6, where the time and its zone may be missing. */
const TIME =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:([Tt ])([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?)?$/;

/** Which end of the range a time is: a mere date means the whole day. */
type RangeEnd = "begin" | "end";

/**
 * Reads `date-range`.
 *
 * @param value Of any type.
 * @returns `undefined` if one of the times cannot be read; `deviations` then has `range-missing`.
 */
export function readRange(value: unknown, deviations: Deviations): ReceivedRange | undefined {
  const { "start-datetime": start, "end-datetime": stop }: Record<string, unknown> =
    typeof value === "object" && value !== null ? { ...value } : {};
  const begin = readTime(start, { which: "begin", deviations });
  const end = readTime(stop, { which: "end", deviations });
  if (begin === undefined || end === undefined) {
    deviations.add("range-missing", "date-range");
    return undefined;
  }
  judge({ begin, end }, deviations);
  return { begin, end };
}

function judge({ begin, end }: ReceivedRange, deviations: Deviations): void {
  const length = end - begin;
  const fromMidnight = begin % DAY_MS === 0;
  if (length < 0) deviations.add("range-backwards", "date-range");
  else if (length > DAY_MS) deviations.add("range-long", "date-range");
  else if (fromMidnight && length === DAY_MS) deviations.add("range-to-midnight", "date-range");
  else if (!fromMidnight || length < DAY_MS - SECOND_MS) {
    deviations.add("range-shifted", "date-range");
  }
}

function readTime(
  value: unknown,
  { which, deviations }: { readonly which: RangeEnd; readonly deviations: Deviations },
): number | undefined {
  const match = typeof value === "string" ? TIME.exec(value) : null;
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second, zoneHours, zoneMinutes] = [
    ...match.slice(1, 4),
    ...match.slice(5, 8),
    ...match.slice(10, 12),
  ].map((digits) => parseInt(digits ?? "0", 10)) as [
    ...[number, number, number, number, number, number, number, number],
  ];
  const [separator, utc, sign] = [match[4], match[8], match[9]];
  const midnight = Date.UTC(year, month - 1, day);
  const isDate = new Date(midnight).getUTCMonth() === month - 1 && year >= 1970;
  if (!isDate || hour > 24 || minute > 59 || second > 60 || zoneHours > 23 || zoneMinutes > 59) {
    return undefined;
  }
  const place = `date-range.${which === "begin" ? "start" : "end"}-datetime`;
  if (separator === undefined) {
    deviations.add("time-date-only", place);
    return which === "begin" ? midnight : midnight + DAY_MS - SECOND_MS;
  }
  if (separator === " ") deviations.add("time-without-t", place);
  if (utc === undefined && sign === undefined) deviations.add("time-without-zone", place);
  const zone = (zoneHours * 60 + zoneMinutes) * (sign === "-" ? -1 : 1);
  return midnight + ((hour * 60 + minute - zone) * 60 + Math.min(second, 59)) * SECOND_MS;
}
