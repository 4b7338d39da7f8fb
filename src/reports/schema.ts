/**
 * The tables of the report file.
 *
 * It holds no reports: a report is made from the rows when it is due, and the rows of a closed day do not
 * change. Days are counted from the epoch (UTC). Numbers are REAL where a damaged value could exceed what
 * a JavaScript number holds; keys are INTEGER, and are checked when they are read.
 *
 * The text of a policy stands in the row of its sessions, once for each domain and day: a table of policies would save
 * little, because hardly two domains have the same, and cost as much again for each new domain.
 *
 * @module
 */

import type { FileFormat, Migration } from "../sqlite/format.ts";

/** The file may grow to this many octets: six million domains a day. */
export const FILE_MAX_OCTETS: number = 4 * 1024 ** 3;

const FIRST: Migration = [
  // `policy` is the hash of what `type` and `json` say; `record` the TLSRPT record that was seen.
  `CREATE TABLE session (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    policy INTEGER NOT NULL,
    type TEXT NOT NULL,
    json TEXT NOT NULL,
    record TEXT,
    ok REAL NOT NULL,
    failed REAL NOT NULL,
    PRIMARY KEY (day, domain, policy)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE failure (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    policy INTEGER NOT NULL,
    detail TEXT NOT NULL,
    count REAL NOT NULL,
    PRIMARY KEY (day, domain, policy, detail)
  ) STRICT, WITHOUT ROWID`,
  // `cursor`: the domain up to which deliveries are planned.
  `CREATE TABLE day (
    day INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    cursor TEXT NOT NULL
  ) STRICT`,
  // `uri` is empty as long as the destinations are not known.
  `CREATE TABLE delivery (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    uri TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts REAL NOT NULL,
    first_at REAL NOT NULL,
    due_at REAL NOT NULL,
    error TEXT,
    PRIMARY KEY (day, domain, uri)
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'due'",
  "CREATE TABLE mailed (day INTEGER, host TEXT, count REAL NOT NULL, PRIMARY KEY (day, host)) STRICT, WITHOUT ROWID",
  "CREATE TABLE instance (id BLOB NOT NULL) STRICT",
  "INSERT INTO instance VALUES (randomblob(16))",
  "CREATE TABLE clock (last_seen REAL NOT NULL) STRICT",
  "INSERT INTO clock VALUES (0)",
];

/** The format of the report file; its application id is "mTRP". */
export const REPORT_FORMAT: FileFormat = { applicationId: 0x6d545250, migrations: [FIRST] };
