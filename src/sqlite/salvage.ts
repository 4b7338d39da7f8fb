/**
 * Reading a damaged file: the rows of a table before the first damaged page and behind the last.
 *
 * @module
 */

import type { SQLInputValue } from "node:sqlite";

/** Rows read at once. */
const SALVAGE_ROWS = 100;

/** A row as read: a column may hold anything. */
export type AnyRow = Record<string, unknown>;

/** Runs a query. It throws where a page is damaged. */
export type ReadAll = (text: string, ...values: SQLInputValue[]) => AnyRow[];

/**
 * The rows that can be read, in the order they were stored as far as no damage is met, then from the end.
 *
 * @param all Runs the queries.
 * @param select A query of one table without a condition; `rowid` is one of its columns.
 */
export function* salvageRows(all: ReadAll, select: string): IterableIterator<AnyRow> {
  // From both ends, so that damage in the middle hides as little as possible.
  const walks: [query: string, start: number][] = [
    [`${select} WHERE rowid > ? ORDER BY rowid LIMIT ?`, -Infinity],
    [`${select} WHERE rowid < ? ORDER BY rowid DESC LIMIT ?`, Infinity],
  ];
  for (const [query, start] of walks) {
    let from: SQLInputValue = start;
    let limit = SALVAGE_ROWS;
    // Down to single rows at the edge of the damage, where `iterate()` would end without an error.
    while (limit > 0) {
      let rows: AnyRow[];
      try {
        rows = all(query, from, limit);
      } catch {
        limit = Math.floor(limit / SALVAGE_ROWS);
        continue;
      }
      if (rows.length === 0) return;
      from = rows.at(-1)?.rowid as SQLInputValue;
      yield* rows;
    }
  }
}
