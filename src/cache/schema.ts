/**
 * The SQLite schema of the cache file, and getting an opened file into its shape: each version is a
 * numbered step from the one before, and an older file takes all steps that it lacks in one
 * transaction. A file of a later version is refused and left as it is.
 *
 * The only numbers are times and one counter; they are REAL throughout, because a damaged
 * INTEGER can exceed what a JavaScript number holds, and reading it would throw. The policy text is
 * a BLOB, because `node:sqlite` ends TEXT at its first NUL. Each index serves one question: what is
 * due, what is expired, what comes next in a listing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { FileFault } from "../sqlite/fault.ts";
import { transaction } from "../sqlite/transaction.ts";

/** "mSTS", in the file header: tells our files from those of other programs. */
const APPLICATION_ID = 0x6d535453;

/** The file may grow to this many octets: ten million domains, whatever hostile ones send. */
export const FILE_MAX_OCTETS = 4 * 1024 ** 3;

/** SQLite's default, in octets; the bound of a file is set in pages. */
const PAGE_OCTETS = 4096;

/**
 * A commit that finds this many pages in the WAL (64 MB) copies them to the file itself. That is the
 * safety net: `checkpoint()` comes long before, away from the path of an answer.
 */
const AUTOCHECKPOINT_PAGES = 16_384;

/** The WAL file is cut back to this many octets once it has grown beyond. */
const WAL_KEEP_OCTETS = 8 * 1024 ** 2;

/** The statements of a step. */
export type Migration = readonly string[];

const FIRST: Migration = [
  `CREATE TABLE policies (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    text BLOB NOT NULL,
    fetched_at REAL NOT NULL,
    last_used_at REAL NOT NULL,
    refresh_at REAL NOT NULL,
    expires_at REAL NOT NULL
  ) STRICT`,
  "CREATE INDEX policies_listed ON policies (fetched_at)",
  "CREATE INDEX policies_due ON policies (refresh_at, last_used_at, expires_at)",
  "CREATE INDEX policies_expired ON policies (expires_at)",
  `CREATE TABLE failures (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    count REAL NOT NULL,
    failed_at REAL NOT NULL,
    retry_at REAL NOT NULL
  ) STRICT`,
  "CREATE INDEX failures_expired ON failures (retry_at)",
  `CREATE TABLE mx (
    domain TEXT NOT NULL,
    next_hop TEXT NOT NULL,
    json TEXT NOT NULL,
    checked_at REAL NOT NULL,
    PRIMARY KEY (domain, next_hop)
  ) STRICT`,
  "CREATE INDEX mx_expired ON mx (checked_at)",
  "CREATE TABLE clock (last_seen REAL NOT NULL) STRICT",
  "INSERT INTO clock VALUES (0)",
  `PRAGMA application_id = ${APPLICATION_ID}`,
];

/**
 * The steps: number `n`, counted from 0, leads from version `n` to `n + 1`; version 0 is an empty file. A
 * step that was released is never changed.
 */
export const MIGRATIONS: readonly Migration[] = [FIRST];

/** What {@link prepareSchema} needs beside the database. */
export interface SchemaOptions {
  /** For messages. */
  readonly path: string;
  readonly maxFileOctets: number;
  /** The steps to the version wanted. @default MIGRATIONS */
  readonly migrations?: readonly Migration[];
}

/**
 * Brings an opened file into shape: settings and schema.
 *
 * @throws {FileFault} Of kind `foreign` or `newer`; such a file has not been changed.
 * @throws {Error} SQLite's, with `errcode`; a file of an earlier version is then as it was.
 */
export function prepareSchema(database: DatabaseSync, options: SchemaOptions): void {
  const { path, migrations = MIGRATIONS } = options;
  const version = requireKnown(database, { path, latest: migrations.length });
  // Takes effect before there is a table; later it is a write, which a read-only file refuses.
  if (version === 0) database.prepare("PRAGMA auto_vacuum = INCREMENTAL").all();
  for (
    const setting of [
      "journal_mode = WAL",
      // A kill loses nothing, a power cut what was written since the last checkpoint; no put waits for the disk.
      "synchronous = NORMAL",
      `wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`,
      `journal_size_limit = ${WAL_KEEP_OCTETS}`,
      `max_page_count = ${Math.floor(options.maxFileOctets / PAGE_OCTETS)}`,
    ]
  ) {
    database.prepare(`PRAGMA ${setting}`).all();
  }
  if (version < migrations.length) transaction(database, () => migrate(database, options));
}

/**
 * Finds the version of a file of ours; 0 for an empty one. Changes nothing.
 *
 * @param options `latest` is the highest version that is known.
 * @throws {FileFault} Of kind `foreign` or `newer`.
 */
export function requireKnown(
  database: DatabaseSync,
  { path, latest = MIGRATIONS.length }: { path: string; latest?: number },
): number {
  const read = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  const application = read("PRAGMA application_id");
  const version = read("PRAGMA user_version");
  if (application === 0 && version === 0 && read("SELECT count(*) FROM sqlite_schema") === 0) {
    return 0;
  }
  if (application !== APPLICATION_ID) {
    throw new FileFault("foreign", `${path} belongs to another program: name another file`);
  }
  if (typeof version !== "number" || version < 1 || version > latest) {
    const text = `${path} was written by a later version (schema ${version}, not ${latest})`;
    throw new FileFault("newer", `${text}: name another file or upgrade`);
  }
  return version;
}

function migrate(
  database: DatabaseSync,
  { path, migrations = MIGRATIONS }: SchemaOptions,
): void {
  // Another process may have been faster.
  const version = requireKnown(database, { path, latest: migrations.length });
  for (const step of migrations.slice(version)) {
    for (const statement of step) database.prepare(statement).run();
  }
  database.prepare(`PRAGMA user_version = ${migrations.length}`).run();
}
