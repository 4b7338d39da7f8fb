/**
 * Tables and statements of the PostgreSQL driver. Times are ms since the epoch.
 *
 * One table holds entries of all kinds, and the mark, so that one statement reads and writes them, and one that is
 * emptied loses both. Leases survive no crash and need no log. `config show --sql` prints {@link sqlOfSchema} for
 * roles that may create nothing.
 *
 * @module
 */

import { SEALED_MAX_LENGTH } from "./envelope.ts";

/** Longer texts do not fit into a NOTIFY, which takes 7,999 octets. */
export const NOTIFY_MAX_OCTETS = 7_900;

/** Rows of one part of a list. */
const LIST_PART = 500;

/** Rows that one host deletes at a time; more would block other statements. */
const PRUNE_ROWS = 100;

/** An entry from so far in the future, ms, is replaced by any other: a wrong clock must not keep a domain. */
const FUTURE_MS = 60_000;

/** What may name a fleet in PostgreSQL. */
const PREFIX = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;

/** The time of the server at this moment, not that of the begin of the transaction. */
const NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::float8";

/** The statements, with the names of the tables in place. */
export interface PostgresStatements {
  /** Name of the channel. */
  readonly channel: string;
  /** `[{"n", "kind", "name"}]` → `sealed`, in the order of `n`. */
  readonly read: string;
  /** Domain, token, ttl → a row if granted. */
  readonly claim: string;
  /** Domain → `holder`, `policy`, `failure`, `tombstone`. */
  readonly claimed: string;
  /** Domain, token, next, ttl → a row if it was ours. */
  readonly renew: string;
  /** Domain, token. */
  readonly release: string;
  /** Entries, released leases, channel, messages. */
  readonly publish: string;
  /** Entries. */
  readonly fill: string;
  /** Channel, message. */
  readonly notify: string;
  /** Begins to listen. */
  readonly listen: string;
  /** Kind, last name → `name`, `sealed`. */
  readonly list: string;
  /** → `now`. */
  readonly time: string;
  /** → a row if it was set. */
  readonly mark: string;
  /** Deletes what has ended. */
  readonly prune: string;
  /** Rows in a full part of a list. */
  readonly listPart: number;
}

/**
 * Creates the tables where they are not there.
 *
 * @throws {RangeError} If the prefix is not a letter and up to 31 more letters, digits, `_` and `-`.
 */
export function sqlOfSchema(prefix: string): string {
  const { entry, lease } = namesOf(prefix);
  return `SELECT pg_advisory_xact_lock(hashtext('${prefix} schema'));
CREATE TABLE IF NOT EXISTS ${entry} (
  kind text NOT NULL,
  name text COLLATE "C" NOT NULL,
  sealed text NOT NULL,
  at float8 NOT NULL,
  expires_at float8 NOT NULL,
  PRIMARY KEY (kind, name)
);
CREATE INDEX IF NOT EXISTS "${prefix}_entry_expires_at" ON ${entry} (expires_at);
CREATE UNLOGGED TABLE IF NOT EXISTS ${lease} (
  domain text COLLATE "C" PRIMARY KEY,
  token text NOT NULL,
  until float8 NOT NULL
);
`;
}

/**
 * The statements for a fleet.
 *
 * @throws {RangeError} As {@link sqlOfSchema}.
 */
export function statementsOf(prefix: string): PostgresStatements {
  const { entry, lease } = namesOf(prefix);
  const channel = `${prefix}_news`;
  const given = `given AS MATERIALIZED (SELECT * FROM json_to_recordset($1::text::json)
    AS given(kind text, name text, sealed text, at float8, until float8))`;
  const put = `INSERT INTO ${entry} AS old (kind, name, sealed, at, expires_at)
    SELECT kind, name, sealed, at, until FROM given ORDER BY kind, name COLLATE "C"
    ON CONFLICT (kind, name) DO UPDATE
    SET sealed = excluded.sealed, at = excluded.at, expires_at = excluded.expires_at`;
  const later = "set_config('synchronous_commit', 'off', true)";
  const of = (kind: string) =>
    `(SELECT ${
      text("sealed")
    } FROM ${entry} WHERE kind = '${kind}' AND name = $1::text AND expires_at > ${NOW})`;
  return {
    channel,
    listPart: LIST_PART,
    listen: `LISTEN "${channel}"`,
    time: `SELECT ${NOW} AS now`,
    read: `SELECT ${
      text("entry.sealed")
    } FROM json_to_recordset($1::text::json) AS asked(n int, kind text, name text)
      LEFT JOIN ${entry} AS entry
      ON entry.kind = asked.kind AND entry.name = asked.name AND entry.expires_at > ${NOW}
      ORDER BY asked.n`,
    claimed:
      `SELECT (SELECT token FROM ${lease} WHERE domain = $1::text AND until > ${NOW}) AS holder,
      ${of("p")} AS policy, ${of("f")} AS failure, ${of("t")} AS tombstone`,
    ...leaseStatements(lease),
    publish: `WITH ${given}, put AS (${put}
      WHERE excluded.at >= old.at OR old.expires_at <= ${NOW} OR old.at > ${NOW} + ${FUTURE_MS}
    ), ended AS (DELETE FROM ${entry} AS old USING given
      WHERE old.name = given.name AND (old.at <= given.at OR old.at > ${NOW} + ${FUTURE_MS})
      AND (given.kind = 'p' AND old.kind = 'f' OR given.kind = 't' AND old.kind IN ('p', 'f', 'x'))
      AND NOT EXISTS (SELECT FROM given AS other WHERE other.kind = old.kind AND other.name = old.name)
    ), freed AS (DELETE FROM ${lease} AS old
      USING json_to_recordset($2::text::json) AS freed(domain text, token text)
      WHERE old.domain = freed.domain AND old.token = freed.token)
    SELECT ${later}, (SELECT count(pg_notify($3::text, message))
      FROM json_array_elements_text($4::text::json) AS message)`,
    fill: `WITH ${given}, put AS (${put} WHERE old.expires_at <= ${NOW}) SELECT ${later}`,
    notify: "SELECT pg_notify($1::text, $2::text)",
    list: `SELECT name, ${text("sealed")} FROM ${entry} WHERE kind = $1::text AND name > $2::text
      AND expires_at > ${NOW} ORDER BY name LIMIT ${LIST_PART}`,
    ...careStatements({ entry, lease, later }),
  };
}

/** What keeps the tables small, and shows that they were not emptied. */
function careStatements(
  { entry, lease, later }: {
    readonly entry: string;
    readonly lease: string;
    readonly later: string;
  },
): Pick<PostgresStatements, "mark" | "prune"> {
  return {
    mark: `INSERT INTO ${entry} (kind, name, sealed, at, expires_at)
      VALUES ('mark', '', '', 0, 'infinity') ON CONFLICT DO NOTHING RETURNING kind`,
    prune: `WITH over AS (SELECT kind, name FROM ${entry} WHERE expires_at <= ${NOW}
      ORDER BY expires_at LIMIT ${PRUNE_ROWS} FOR UPDATE SKIP LOCKED),
    gone AS (DELETE FROM ${entry} AS old USING over WHERE old.kind = over.kind AND old.name = over.name),
    ended AS (SELECT domain FROM ${lease} WHERE until <= ${NOW} LIMIT ${PRUNE_ROWS} FOR UPDATE SKIP LOCKED),
    freed AS (DELETE FROM ${lease} AS old USING ended WHERE old.domain = ended.domain)
    SELECT ${later}`,
  };
}

/** What changes one lease. */
function leaseStatements(lease: string): Pick<PostgresStatements, "claim" | "renew" | "release"> {
  return {
    claim: `INSERT INTO ${lease} AS old (domain, token, until)
      VALUES ($1::text, $2::text, ${NOW} + $3::float8)
      ON CONFLICT (domain) DO UPDATE SET token = excluded.token, until = ${NOW} + $3::float8
      WHERE old.until <= ${NOW} RETURNING token`,
    renew: `UPDATE ${lease} SET token = $3::text, until = ${NOW} + $4::float8
      WHERE domain = $1::text AND token = $2::text AND until > ${NOW} RETURNING token`,
    release: `DELETE FROM ${lease} WHERE domain = $1::text AND token = $2::text`,
  };
}

/** No more is read than anybody needs to refuse a text. */
function text(column: string): string {
  return `left(${column}, ${SEALED_MAX_LENGTH + 1}) AS sealed`;
}

function namesOf(prefix: string): { readonly entry: string; readonly lease: string } {
  if (!PREFIX.test(prefix)) throw new RangeError(`not a prefix of tables: ${prefix}`);
  return { entry: `"${prefix}_entry"`, lease: `"${prefix}_lease"` };
}
