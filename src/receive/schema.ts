/**
 * The tables of the file of received reports.
 *
 * Counts are kept by report, not added up: so a report can be replaced by a signed one with its id, and nobody has to
 * know what it had counted. A sender reports once a day and domain, so that costs little.
 *
 * Texts are stored once, as words. Days are counted from the epoch (UTC). Counts are REAL, which takes no more room
 * for whole numbers, and cannot overflow a sum; keys are INTEGER below 2^53.
 *
 * @module
 */

import type { FileFormat, Migration } from "../sqlite/format.ts";

/** The file may grow to this many octets: 5,000 domains with 20 senders each for a year, with bodies of a month. */
export const FILE_MAX_OCTETS: number = 4 * 1024 ** 3;

const FIRST: Migration = [
  // `day`: no row of a later day uses the word, give or take `WORD_SLACK_DAYS`. Ids are not used again. `sender`: it is
  // the name of a sender whose signature was seen.
  `CREATE TABLE word (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL UNIQUE,
    day INTEGER NOT NULL,
    sender INTEGER NOT NULL DEFAULT 0
  ) STRICT`,
  // `key` tells the reports of a submitter about a domain apart, `content` what they say; both are hashes.
  `CREATE TABLE outcome (
    domain INTEGER NOT NULL,
    day INTEGER NOT NULL,
    submitter INTEGER NOT NULL,
    key INTEGER NOT NULL,
    policy INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    content INTEGER NOT NULL,
    ok REAL NOT NULL,
    failed REAL NOT NULL,
    PRIMARY KEY (domain, day, submitter, key, policy)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE problem (
    domain INTEGER NOT NULL,
    day INTEGER NOT NULL,
    submitter INTEGER NOT NULL,
    key INTEGER NOT NULL,
    result INTEGER NOT NULL,
    mx INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    network INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    count REAL NOT NULL,
    PRIMARY KEY (domain, day, submitter, key, result, mx, reason, network)
  ) STRICT, WITHOUT ROWID`,
  // One row for each domain that a report is about, and for each content. `body_of`: the row that has the body.
  `CREATE TABLE report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    domain INTEGER NOT NULL,
    day INTEGER NOT NULL,
    submitter INTEGER NOT NULL,
    key INTEGER NOT NULL,
    content INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    way INTEGER NOT NULL,
    received_at REAL NOT NULL,
    range_begin REAL NOT NULL,
    range_end REAL NOT NULL,
    organization INTEGER,
    contact INTEGER,
    deviations INTEGER,
    report_id TEXT NOT NULL,
    body_of INTEGER,
    body BLOB
  ) STRICT`,
  "CREATE UNIQUE INDEX report_key ON report (domain, day, submitter, key, content)",
  "CREATE INDEX report_age ON report (received_at)",
  `CREATE TABLE arrival (
    day INTEGER NOT NULL,
    submitter INTEGER NOT NULL,
    count REAL NOT NULL,
    PRIMARY KEY (day, submitter)
  ) STRICT, WITHOUT ROWID`,
  // What came on a day, by kinds of `arrival_load.ts`; `domain` is 0 for all domains.
  `CREATE TABLE tally (
    day INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    domain INTEGER NOT NULL,
    count REAL NOT NULL,
    PRIMARY KEY (day, kind, domain)
  ) STRICT, WITHOUT ROWID`,
  "CREATE TABLE clock (last_seen REAL NOT NULL) STRICT",
  "INSERT INTO clock VALUES (0)",
];

/** The format of the file; its application id is "mTRR". */
export const RECEIVED_FORMAT: FileFormat = { applicationId: 0x6d545252, migrations: [FIRST] };
