/**
 * The id of a report (RFC 8460 §4.4): the same for each repetition, and unlike that of any other sender.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A day, ms. */
export const DAY_MS: number = 24 * 3600 * 1000;

/** Hexadecimal digits of the hash. */
const DIGITS = 16;

/** What a report is identified by. */
export interface ReportKey {
  /** The secret of the report file. */
  readonly instance: Uint8Array;
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** The domain that the report is for. */
  readonly domain: string;
}

/**
 * Makes the id: `20261127.` and hexadecimal digits. That is a dot-atom, and letters and digits after the dot fit
 * into the name of a file (RFC 8460 §5.1).
 */
export function reportIdOf({ instance, day, domain }: ReportKey): string {
  const hash = createHash("sha256").update(instance).update(`${day} ${domain}`).digest("hex");
  return `${formatDay(day).replaceAll("-", "")}.${hash.slice(0, DIGITS)}`;
}

/** The date of a day, such as `2026-11-27`. */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, "2026-11-27".length);
}

/** The day of a date such as `2026-11-27`; `undefined` if it is none. */
export function parseDay(text: string): number | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  const day = time / DAY_MS;
  return Number.isNaN(time) || formatDay(day) !== text ? undefined : day;
}

/** The day of a time in ms since the epoch. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}
