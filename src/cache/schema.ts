/**
 * The tables of the cache file.
 *
 * The only numbers are times and one counter; they are REAL throughout, because a damaged
 * INTEGER can exceed what a JavaScript number holds, and reading it would throw. The policy text is
 * a BLOB, because `node:sqlite` ends TEXT at its first NUL. Each index serves one question: what is
 * due, what is expired, what comes next in a listing.
 *
 * @module
 */

import type { FileFormat, Migration } from "../sqlite/format.ts";

/** The file may grow to this many octets: ten million domains, whatever hostile ones send. */
export const FILE_MAX_OCTETS: number = 4 * 1024 ** 3;

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
];

/** The format of the cache file; its application id is "mSTS". */
export const CACHE_FORMAT: FileFormat = { applicationId: 0x6d535453, migrations: [FIRST] };
