/**
 * The SQLite schema of the cache file, and getting an opened file into its shape.
 *
 * The only numbers are times and one counter; they are REAL throughout, because a damaged
 * INTEGER can exceed what a JavaScript number holds, and reading it would throw. The policy text is
 * a BLOB, because `node:sqlite` ends TEXT at its first NUL. Each index serves one question: what is
 * due, what is expired, what comes next in a listing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { CacheFault } from "./fault.ts";
import { isTime } from "./rows.ts";

/** "mSTS", in the file header: tells our files from those of other programs. */
const APPLICATION_ID = 0x6d535453;

/** Version of the schema, in the file header. A later version is left alone. */
const SCHEMA_VERSION = 1;

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

/** A clock back by less than this, ms, is slewing, or another process with the file open. */
const CLOCK_TOLERANCE_MS = 5000;

/**
 * A clock before this time, ms, has not been set yet, as on machines without a battery. It will
 * jump; times shifted to fit it would then all lie in the far past.
 */
const CLOCK_SET_MS = Date.UTC(2025, 0, 1);

const SCHEMA = [
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
  `PRAGMA user_version = ${SCHEMA_VERSION}`,
];

/** What {@link prepareSchema} needs beside the database. */
export interface SchemaOptions {
  /** For messages. */
  readonly path: string;
  /** The process's time, ms. */
  readonly now: number;
  readonly maxFileOctets: number;
}

/**
 * Brings an opened file into shape: settings, schema, time base.
 *
 * @returns By how many ms all times in the file were shifted; 0 as a rule.
 * @throws {CacheFault} Of kind `foreign` or `newer`; such a file has not been changed.
 * @throws {Error} SQLite's, with `errcode`.
 */
export function prepareSchema(database: DatabaseSync, options: SchemaOptions): number {
  const isNew = inspect(database, options.path);
  // Takes effect before there is a table; later it is a write, which a read-only file refuses.
  if (isNew) database.prepare("PRAGMA auto_vacuum = INCREMENTAL").all();
  for (
    const setting of [
      "journal_mode = WAL",
      // A kill loses nothing, a power cut the last minute; no put waits for the disk.
      "synchronous = NORMAL",
      `wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`,
      `journal_size_limit = ${WAL_KEEP_OCTETS}`,
      `max_page_count = ${Math.floor(options.maxFileOctets / PAGE_OCTETS)}`,
    ]
  ) {
    database.prepare(`PRAGMA ${setting}`).all();
  }
  if (isNew) transaction(database, () => createTables(database, options.path));
  if (clockShift(database, options.now) === 0) return 0;
  return transaction(database, () => shiftTimes(database, options.now));
}

/**
 * Runs `action` in one write transaction.
 *
 * @throws {Error} What `action` or the commit throws, after rolling back.
 */
export function transaction<T>(database: DatabaseSync, action: () => T): T {
  database.prepare("BEGIN IMMEDIATE").run();
  try {
    const result = action();
    database.prepare("COMMIT").run();
    return result;
  } catch (error) {
    // SQLite rolls back by itself after some faults of the disk.
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

/** @returns Whether the file is empty. */
function inspect(database: DatabaseSync, path: string): boolean {
  const read = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  const application = read("PRAGMA application_id");
  const version = read("PRAGMA user_version");
  if (application === 0 && version === 0 && read("SELECT count(*) FROM sqlite_schema") === 0) {
    return true;
  }
  if (application !== APPLICATION_ID) {
    throw new CacheFault("foreign", `${path} belongs to another program: name another file`);
  }
  if (version !== SCHEMA_VERSION) {
    const text =
      `${path} was written by a later version (schema ${version}, not ${SCHEMA_VERSION})`;
    throw new CacheFault("newer", `${text}: name another file or upgrade`);
  }
  return false;
}

function createTables(database: DatabaseSync, path: string): void {
  // Another process may have been faster.
  if (!inspect(database, path)) return;
  for (const statement of SCHEMA) database.prepare(statement).run();
}

/** By how many ms the times in the file must move to fit the clock; never forward. */
function clockShift(database: DatabaseSync, now: number): number {
  const lastSeen = database.prepare("SELECT last_seen FROM clock").get()?.last_seen;
  if (!isTime(lastSeen) || now < CLOCK_SET_MS) return 0;
  return lastSeen - now < CLOCK_TOLERANCE_MS ? 0 : now - lastSeen;
}

/**
 * Keeps ages when the wall clock was set back while no process ran: all times move back by the
 * same amount, so that nothing expired comes alive and nothing alive expires. What is known of
 * next hops has times inside and is learned again.
 */
function shiftTimes(database: DatabaseSync, now: number): number {
  const shift = clockShift(database, now);
  for (
    const statement of [
      `UPDATE policies SET fetched_at = fetched_at + ?1, last_used_at = last_used_at + ?1,
        refresh_at = refresh_at + ?1, expires_at = expires_at + ?1`,
      "UPDATE failures SET failed_at = failed_at + ?1, retry_at = retry_at + ?1",
      "UPDATE clock SET last_seen = last_seen + ?1",
    ]
  ) {
    database.prepare(statement).run(shift);
  }
  database.prepare("DELETE FROM mx").run();
  return shift;
}
