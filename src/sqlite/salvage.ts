/**
 * Reading a damaged file: the rows of policies before the first damaged page and behind the last.
 *
 * @module
 */

import type { SQLInputValue } from "node:sqlite";
import * as sql from "../cache/statements.ts";

/** Rows read at once. */
const SALVAGE_ROWS = 100;

/** Runs a query. It throws where a page is damaged. */
type All = (text: string, ...values: SQLInputValue[]) => Record<string, unknown>[];

/** The rows that can be read, in the order they were stored as far as no damage is met, then from the end. */
export function* salvageRows(all: All): IterableIterator<Record<string, unknown>> {
  for (const { query, start } of sql.SALVAGES) {
    let from: SQLInputValue = start;
    let limit = SALVAGE_ROWS;
    // Down to single rows at the edge of the damage, where `iterate()` would end without an error.
    while (limit > 0) {
      let rows: Record<string, unknown>[];
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
