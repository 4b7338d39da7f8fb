/**
 * Times, durations and counts in a form for people.
 *
 * @module
 */

import { type Html, html } from "../http/html.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units of a duration in seconds, largest first. Each is used from twice its length on. */
const UNITS: readonly (readonly [number, string])[] = [
  [DAY, "d"],
  [HOUR, "h"],
  [MINUTE, "min"],
  [1, "s"],
];

/** A duration in its largest fitting unit, such as `90 s`, `3 h` or `12 d`. @param ms Milliseconds, not negative. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [length, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? [1, "s"];
  return `${Math.floor(seconds / length)} ${unit}`;
}

/** A time before or after `now`, both ms: `3 h ago`, `in 12 d`, `now`. */
export function formatRelative(time: number, now: number): string {
  const distance = time - now;
  if (Math.abs(distance) < 1000) return "now";
  return distance < 0 ? `${formatDuration(-distance)} ago` : `in ${formatDuration(distance)}`;
}

/** A time as date and time of day in UTC: `2026-01-31 12:00`. @param time ms since the epoch. */
export function formatTime(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace("T", " ");
}

/** The time of day in UTC: `12:00`. @param time ms since the epoch. */
export function formatClock(time: number): string {
  return formatTime(time).slice(11);
}

/** A whole number with commas between thousands. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(?:[0-9]{3})+$)/g, ",");
}

/** The part of sessions that failed, in percent: `0 %`, `< 0.1 %`, `12.5 %`; `-` if there were none. */
export function formatShare(successful: number, failed: number): string {
  if (failed === 0) return successful === 0 ? "-" : "0 %";
  const percent = failed / (successful + failed) * 100;
  if (percent < 0.1) return "< 0.1 %";
  // What is not all must not look like all.
  if (percent > 99.9 && successful > 0) return "> 99.9 %";
  return `${percent.toFixed(1).replace(/\.0$/, "")} %`;
}

/** A size in MB, rounded. @param bytes Bytes. */
export function formatMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** A relative time. The exact time is in attributes, for machines and as a tooltip. */
export function timeElement(time: number, now: number): Html {
  const exact = new Date(time).toISOString();
  return html`<time datetime="${exact}" title="${exact}">${formatRelative(time, now)}</time>`;
}
