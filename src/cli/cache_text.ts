/**
 * What the `cache` commands print for a person.
 *
 * @module
 */

import { quoteRemote } from "../base/quote_text.ts";
import type { CacheEntry, EntryFailure, HeldEntry } from "../daemon/cache_entry.ts";

const HEADING = ["domain", "mode", "id", "fetched", "expires", "last used", "problem"];

/** `2026-01-01T00:00`. */
const MINUTE_LENGTH = 16;

/** Prints a table of which the rows come a part at a time: a column grows, but does not shrink. */
export function createEntryTable(): (entries: readonly CacheEntry[]) => string {
  const widths = HEADING.map(({ length }) => length);
  let isFirst = true;
  return (entries) => {
    const rows = entries.map(cellsOf);
    if (isFirst) rows.unshift(HEADING);
    isFirst = false;
    for (const row of rows) {
      for (const [at, { length }] of row.entries()) widths[at] = Math.max(widths[at]!, length);
    }
    return rows.map((row) => `${formatRow(row, widths)}\n`).join("");
  };
}

function formatRow(cells: readonly string[], widths: readonly number[]): string {
  const last = cells.length - 1;
  return cells.map((cell, at) => at === last ? cell : cell.padEnd(widths[at]!)).join("  ");
}

function cellsOf(entry: CacheEntry): string[] {
  const { domain, failure } = entry;
  const problem = failure?.reason ?? "-";
  if (!("id" in entry)) return [domain, "-", "-", "-", "-", "-", problem];
  const { mode, id, fetched, expires, last_used: used } = entry;
  const times = [fetched, expires, used].map((time) => time.slice(0, MINUTE_LENGTH));
  return [domain, mode, id, ...times, problem];
}

/** Formats an entry in several lines. @param more Lines behind it, each with its name. */
export function formatEntry(
  entry: HeldEntry,
  more: readonly (readonly [name: string, text: string])[] = [],
): string {
  const { failure, dane } = entry;
  const rows: (readonly [string, string])[] = [
    ["Policy", `mode ${entry.mode}, id ${entry.id}, max_age ${entry.max_age} s`],
    ["MX", entry.mx.join(" ") || "none"],
    ["Fetched", entry.fetched],
    ["Expires", entry.expires],
    ["Refresh", entry.refresh],
    ["Last used", entry.last_used],
    ["Problem", failure === undefined ? "none" : problemLine(failure)],
    ["DANE", dane === undefined ? "not looked up" : `${dane.state}, checked ${dane.checked}`],
    ["MX hosts", dane === undefined ? "not looked up" : dane.hosts.join(" ") || "none"],
    ...more,
  ];
  return formatRows(entry.domain, rows);
}

/** Formats a heading and lines below it, each with its name. */
export function formatRows(
  heading: string,
  rows: readonly (readonly [name: string, text: string])[],
): string {
  const lines = rows.map(([name, text]) => `  ${name.padEnd(10)} ${text}`);
  return [heading, ...lines, ""].join("\n");
}

function problemLine({ reason, detail, id, count, failed, retry }: EntryFailure): string {
  const times = count === 1 ? "once" : `${count} times`;
  const when = `id ${id}, ${times}, last ${failed}, again after ${retry}`;
  return `${reason}: ${quoteRemote(detail)} (${when})`;
}
