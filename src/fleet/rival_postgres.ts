/**
 * The cache of postfix-mta-sts-resolver in PostgreSQL: a row for each domain in `sts_policy_cache`.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { EngineLink } from "./engine_link.ts";
import {
  createPostgresOpener,
  type PostgresClientOptions,
  type PostgresConnection,
  toPostgresError,
} from "./postgres_client.ts";
import {
  entryOf,
  keysOf,
  parseJson,
  readRivalRow,
  type RivalRow,
  type RivalSource,
} from "./rival_entries.ts";

/** Rows asked for at a time. */
const PART = 500;

const COLUMNS =
  "id, domain, ts::float8 AS ts, pol_id, pol_body::text AS body FROM sts_policy_cache";
const LIST = `SELECT ${COLUMNS} WHERE id > $1::int ORDER BY id LIMIT ${PART}`;
const READ = `SELECT ${COLUMNS} WHERE domain IN (SELECT json_array_elements_text($1::text::json))`;

/** Opens the cache. It connects with the first call. */
export function openRivalPostgres(
  options: Omit<PostgresClientOptions, "clock" | "onNotify"> & { readonly clock: Clock },
): RivalSource {
  const { clock } = options;
  const link = new EngineLink({
    open: createPostgresOpener(options),
    toError: toPostgresError,
    clock,
  });
  return {
    async *list() {
      for (let after: unknown = -1;;) {
        const rows = await link.run((connection) => connection.query(LIST, [after]));
        if (rows.length === 0) return;
        after = rows.at(-1)!.id;
        yield rows.map((row) => readRivalRow(rowOf(row), clock.now()));
      }
    },
    read: async (domain) => {
      const rows = await link.run((connection) => readRivalRows(connection, keysOf(domain)));
      return entryOf(rows, { domain, now: clock.now() });
    },
    close: () => link.close(),
  };
}

/** Reads entries of the other program, by their keys. */
export async function readRivalRows(
  connection: PostgresConnection,
  keys: readonly string[],
): Promise<ReadonlyMap<string, RivalRow>> {
  if (keys.length === 0) return new Map();
  const rows = await connection.query(READ, [JSON.stringify(keys)]);
  return new Map(rows.map(rowOf).map((row) => [row.key, row]));
}

function rowOf({ domain, ts, pol_id, body }: Record<string, unknown>): RivalRow {
  return {
    key: typeof domain === "string" ? domain : "",
    ts: typeof ts === "number" ? ts : NaN,
    id: pol_id,
    body: typeof body === "string" ? parseJson(body) : undefined,
  };
}
