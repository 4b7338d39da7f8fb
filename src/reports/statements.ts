/**
 * The SQL of the report file. Constant texts, so that finding the prepared statement of one is cheap. The
 * tables are in `schema.ts`.
 *
 * @module
 */

/** Free pages given back to the file system by one prune: 4 MB, a few milliseconds. */
const VACUUM_PAGES = 1000;

/** Policies that are counted separately for a domain and day. A domain has one or two. */
export const MAX_POLICIES = 50;

/** Failures that are counted separately for a domain, day and policy. */
export const MAX_FAILURES = 100;

/** Adds to a row that is there. */
export const COUNT_SESSION: string = `UPDATE session SET ok = ok + ?4, failed = failed + ?5,
  record = coalesce(?6, record) WHERE day = ?1 AND domain = ?2 AND policy = ?3`;

const UPSERT_SESSION = `ON CONFLICT (day, domain, policy) DO UPDATE SET ok = ok + excluded.ok,
  failed = failed + excluded.failed, record = coalesce(excluded.record, record)`;

/**
 * Adds to a row, or makes one as long as the domain has room for it on the day. The bound is part of the text: as a
 * parameter, it takes three times as long.
 */
export const ADD_SESSION: string = `INSERT INTO session SELECT ?1, ?2, ?3, ?7, ?8, ?6, ?4, ?5
  WHERE (SELECT count(*) FROM (
      SELECT 1 FROM session WHERE day = ?1 AND domain = ?2 LIMIT ${MAX_POLICIES})) < ${MAX_POLICIES}
    OR EXISTS (SELECT 1 FROM session WHERE day = ?1 AND domain = ?2 AND policy = ?3)
  ${UPSERT_SESSION}`;

/** Adds to a row, or makes one: for the few that stand for all others. */
export const ADD_COARSE_SESSION: string =
  `INSERT INTO session VALUES (?1, ?2, ?3, ?7, ?8, ?6, ?4, ?5) ${UPSERT_SESSION}`;

/** Adds to a row that is there. */
export const COUNT_FAILURE: string = `UPDATE failure SET count = count + ?5
  WHERE day = ?1 AND domain = ?2 AND policy = ?3 AND detail = ?4`;

const UPSERT_FAILURE = `ON CONFLICT (day, domain, policy, detail)
  DO UPDATE SET count = count + excluded.count`;

/** As {@link ADD_SESSION}. */
export const ADD_FAILURE: string = `INSERT INTO failure SELECT ?1, ?2, ?3, ?4, ?5
  WHERE (SELECT count(*) FROM (
      SELECT 1 FROM failure WHERE day = ?1 AND domain = ?2 AND policy = ?3 LIMIT ${MAX_FAILURES})
    ) < ${MAX_FAILURES}
    OR EXISTS (SELECT 1 FROM failure WHERE day = ?1 AND domain = ?2 AND policy = ?3 AND detail = ?4)
  ${UPSERT_FAILURE}`;

/** As {@link ADD_COARSE_SESSION}. */
export const ADD_COARSE_FAILURE: string =
  `INSERT INTO failure VALUES (?1, ?2, ?3, ?4, ?5) ${UPSERT_FAILURE}`;

/** Something was counted on the day. */
export const OPEN_DAY: string = "INSERT INTO day VALUES (?, 'open', '') ON CONFLICT DO NOTHING";

/** The oldest day that is not closed, before a day. */
export const NEXT_TO_CLOSE: string =
  "SELECT day, cursor FROM day WHERE state <> 'closed' AND day < ? ORDER BY day LIMIT 1";

/** How far a day has been planned. */
export const SET_DAY: string = "UPDATE day SET state = ?2, cursor = ?3 WHERE day = ?1";

/** All days. */
export const LIST_DAYS: string = "SELECT day, state FROM day ORDER BY day";

/** The latest day that is closed, or being closed. */
export const LAST_CLOSED: string = "SELECT max(day) AS day FROM day WHERE state <> 'open'";

/** The next domains of a day, behind a domain: one row for each policy. */
export const LIST_DOMAINS: string = `SELECT DISTINCT domain FROM session
  WHERE day = ? AND domain > ? ORDER BY domain LIMIT ?`;

/** A delivery, unless it is there. */
export const ADD_DELIVERY: string = `INSERT INTO delivery VALUES (?, ?, ?, 'due', 0, ?, ?, NULL)
  ON CONFLICT DO NOTHING`;

/** The row without destinations. */
export const DROP_UNPLANNED: string =
  "DELETE FROM delivery WHERE day = ? AND domain = ? AND uri = ''";

/** What is due. */
export const LIST_DUE: string =
  `SELECT day, domain, uri, attempts, first_at AS firstAt FROM delivery
  WHERE state = 'due' AND due_at <= ? ORDER BY due_at LIMIT ?`;

/** What became of a try; a row that has ended stays as it is. */
export const SETTLE: string = `UPDATE delivery SET state = ?4, due_at = ?5, error = ?6,
  attempts = attempts + 1 WHERE day = ?1 AND domain = ?2 AND uri = ?3 AND state = 'due'`;

/**
 * What waits is due now: of a day (-1: all) and domain (empty: all). Of one domain, also what has failed for good.
 */
export const HASTEN: string =
  `UPDATE delivery SET state = 'due', due_at = ?1, first_at = ?1, attempts = 0
  WHERE (?2 = -1 OR day = ?2) AND (?3 = '' OR domain = ?3)
    AND (state = 'due' OR ?3 <> '' AND state <> 'sent')`;

/** One more report mail. */
export const COUNT_MAILED: string = `INSERT INTO mailed VALUES (?, ?, 1) ON CONFLICT (day, host)
  DO UPDATE SET count = count + 1`;

/** Report mails of a day to a host. */
export const GET_MAILED: string = "SELECT count FROM mailed WHERE day = ? AND host = ?";

/** The sessions of a domain on a day, in a fixed order. */
export const LIST_SESSIONS: string = `SELECT policy, ok, failed, type, json, record FROM session
  WHERE day = ? AND domain = ? ORDER BY type DESC, json`;

/** The failures of a domain on a day, in a fixed order. */
export const LIST_FAILURES: string = `SELECT policy, detail, count FROM failure
  WHERE day = ? AND domain = ? ORDER BY policy, count DESC, detail`;

/** Sessions and domains of a day. */
export const SUM_DAY: string =
  `SELECT count(DISTINCT domain) AS domains, coalesce(sum(ok), 0) AS ok,
  coalesce(sum(failed), 0) AS failed FROM session WHERE day = ?`;

/** Deliveries of all days, by state. */
export const COUNT_DELIVERIES: string =
  "SELECT day, state, count(*) AS count FROM delivery GROUP BY day, state ORDER BY day, state";

/** Deliveries of one day, by state. */
export const COUNT_DAY_DELIVERIES: string =
  "SELECT state, count(*) AS count FROM delivery WHERE day = ? GROUP BY state";

/** The deliveries of a day in one state: those that ended last, or are due first. */
export const LIST_DELIVERIES: string = `SELECT domain, uri, due_at AS at, error FROM delivery
  WHERE day = ? AND state = ? ORDER BY iif(state = 'due', due_at, -due_at) LIMIT ?`;

/** How many deliveries wait. */
export const COUNT_DUE: string = "SELECT count(*) AS count FROM delivery WHERE state = 'due'";

/** The delivery that is due first. */
export const FIRST_DUE: string = "SELECT min(due_at) AS dueAt FROM delivery WHERE state = 'due'";

/** The deliveries of a day that have failed last. */
export const LIST_ERRORS: string = `SELECT day, domain, uri, state, error FROM delivery
  WHERE error IS NOT NULL ORDER BY day DESC, due_at DESC LIMIT ?`;

/** The secret of the file. */
export const GET_INSTANCE: string = "SELECT id FROM instance";

/** Makes it that of another file. */
export const SET_INSTANCE: string = "UPDATE instance SET id = ?";

/** The latest time noted. */
export const LAST_SEEN: string = "SELECT last_seen FROM clock";

/** Never goes back; but a value that is no time is replaced. */
export const NOTE_TIME: string = `UPDATE clock SET last_seen =
  iif(last_seen >= 0 AND last_seen < ?2, max(last_seen, ?1), ?1)`;

/** Pages in the file, and free ones among them. */
export const PAGES: string = `SELECT page_count - freelist_count AS pages
  FROM pragma_page_count(), pragma_freelist_count()`;

/** What of each table goes when days are forgotten: before a day, a number of rows. */
export const PRUNES: readonly string[] = [
  `DELETE FROM session WHERE (day, domain, policy) IN
    (SELECT day, domain, policy FROM session WHERE day < ? LIMIT ?)`,
  `DELETE FROM failure WHERE (day, domain, policy, detail) IN
    (SELECT day, domain, policy, detail FROM failure WHERE day < ? LIMIT ?)`,
  `DELETE FROM delivery WHERE (day, domain, uri) IN
    (SELECT day, domain, uri FROM delivery WHERE day < ? LIMIT ?)`,
  "DELETE FROM mailed WHERE (day, host) IN (SELECT day, host FROM mailed WHERE day < ? LIMIT ?)",
];

/** Days without a row any more. */
export const DROP_DAYS: string = `DELETE FROM day WHERE day < ?1 AND state = 'closed'
  AND NOT EXISTS (SELECT 1 FROM session WHERE session.day = day.day)`;

/** Yields a row for each page, and stops early unless all are read. */
export const VACUUM: string = `PRAGMA incremental_vacuum(${VACUUM_PAGES})`;

/** Whether anything was counted for a domain on a day. */
export const HAS_DOMAIN: string = "SELECT 1 FROM session WHERE day = ? AND domain = ? LIMIT 1";
