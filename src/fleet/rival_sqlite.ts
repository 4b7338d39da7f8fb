/**
 * The cache of postfix-mta-sts-resolver in a SQLite file, of which nothing is changed.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { cutText, escapeMatches } from "../base/quote_text.ts";
import {
  entryOf,
  keysOf,
  parseJson,
  readRivalRow,
  type RivalRow,
  type RivalSource,
} from "./rival_entries.ts";
import { EngineError } from "./types.ts";

/** Rows read at a time. */
const PART = 500;

/** Characters of an error of SQLite that are kept. */
const MAX_ERROR_CHARS = 200;

const COLUMNS = "rowid, domain, ts, pol_id, pol_body FROM sts_policy_cache";

/**
 * Opens the file.
 *
 * @param path An absolute path.
 * @throws {EngineError} If there is no such file, or it is not that of the other program.
 */
export function openRivalSqlite(path: string, clock: Pick<Clock, "now">): RivalSource {
  const database = attempt(() => new DatabaseSync(path, { readOnly: true }));
  return {
    async *list() {
      let after = -1;
      for (;;) {
        const query = `SELECT ${COLUMNS} WHERE rowid > ? ORDER BY rowid LIMIT ${PART}`;
        const rows = attempt(() => database.prepare(query).all(after));
        if (rows.length === 0) return;
        after = rows.at(-1)!.rowid as number;
        yield rows.map((row) => readRivalRow(rowOf(row), clock.now()));
        await Promise.resolve();
      }
    },
    read: (domain) =>
      Promise.resolve().then(() => {
        const query = `SELECT ${COLUMNS} WHERE domain = ?`;
        const rows = keysOf(domain).flatMap((key) =>
          attempt(() => database.prepare(query).all(key)).map(rowOf)
        );
        return entryOf(new Map(rows.map((row) => [row.key, row])), { domain, now: clock.now() });
      }),
    close: () => Promise.resolve().then(() => database.close()),
  };
}

function rowOf({ domain, ts, pol_id, pol_body }: Record<string, unknown>): RivalRow {
  return {
    key: typeof domain === "string" ? domain : "",
    ts: typeof ts === "number" ? ts : NaN,
    id: pol_id,
    body: typeof pol_body === "string" ? parseJson(pol_body) : undefined,
  };
}

function attempt<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const text = escapeMatches(cutText(messageOf(error), MAX_ERROR_CHARS), /[^ -~]/g);
    throw new EngineError("wrong", text);
  }
}
