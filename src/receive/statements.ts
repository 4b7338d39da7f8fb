/**
 * The SQL of the file of received reports. Constant texts, so that finding the prepared statement of one is cheap. The
 * tables are in `schema.ts`.
 *
 * @module
 */

/**
 * Days that a word is noted to be used beyond those that use it, so that it is not written again each day. It is kept
 * that much longer.
 */
export const WORD_SLACK_DAYS = 10;

/** Free pages given back to the file system by one prune: 4 MB, a few milliseconds. */
const VACUUM_PAGES = 1000;

/** A word by its text. */
export const FIND_WORD: string = "SELECT id, day FROM word WHERE text = ?";

/** The text is new. */
export const ADD_WORD: string = "INSERT INTO word (text, day) VALUES (?, ?)";

/** It is used until a day. */
export const USE_WORD: string = "UPDATE word SET day = max(day, ?2) WHERE id = ?1";

/** All of them. */
export const COUNT_WORDS: string = "SELECT count(*) AS count FROM word";

const KEY = "domain = ?1 AND day BETWEEN ?2 AND ?3 AND submitter = ?4 AND key = ?5";

/** Which of the reports with a key is counted: the rows of one differ in policy and counts alone. */
export const FIND_COUNTED: string =
  `SELECT signed, content, total(ok) AS ok, total(failed) AS failed
  FROM outcome WHERE ${KEY} GROUP BY signed, content`;

/** A report with a key is counted no longer. */
export const DROP_OUTCOMES: string = `DELETE FROM outcome WHERE ${KEY}`;

/** As {@link DROP_OUTCOMES}. */
export const DROP_PROBLEMS: string = `DELETE FROM problem WHERE ${KEY}`;

/** Sessions under one kind of policy. */
export const ADD_OUTCOME: string =
  "INSERT INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";

/** A failure; where the words for two are used up, they become one. */
export const ADD_PROBLEM: string =
  `INSERT INTO problem VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
  ON CONFLICT DO UPDATE SET count = count + excluded.count`;

/** A failure of another file, once. */
export const COPY_PROBLEM: string =
  "INSERT INTO problem VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";

/** Failures of a submitter about a domain and day, as far as that matters. */
export const COUNT_PROBLEMS: string = `SELECT count(*) AS count FROM (
  SELECT 1 FROM problem WHERE domain = ? AND day = ? AND submitter = ? LIMIT ?)`;

/** Failures of unsigned reports about a domain and day, as far as that matters. */
export const COUNT_UNSIGNED_PROBLEMS: string = `SELECT count(*) AS count FROM (
  SELECT 1 FROM problem WHERE domain = ? AND day = ? AND signed = 0 LIMIT ?)`;

/** The kept reports with a key. */
export const FIND_REPORTS: string = `SELECT id, content, signed FROM report WHERE ${KEY}`;

/** One more. */
export const ADD_REPORT: string = `INSERT INTO report (domain, day, submitter, key, content, signed,
    changed, way, received_at, range_begin, range_end, organization, contact, deviations, report_id, body_of, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** The id of the row that was added last. */
export const LAST_ID: string = "SELECT last_insert_rowid() AS id";

/** It came again, signed this time. */
export const SIGN_REPORT: string = "UPDATE report SET signed = 1 WHERE id = ?";

/** All with a key are marked. */
export const MARK_CHANGED: string = `UPDATE report SET changed = 1 WHERE ${KEY}`;

/** One more that came. */
export const COUNT_ARRIVAL: string = `INSERT INTO arrival VALUES (?, ?, 1)
  ON CONFLICT DO UPDATE SET count = count + 1`;

/** How many came. */
export const GET_ARRIVALS: string = `SELECT count FROM arrival JOIN word ON word.id = submitter
  WHERE arrival.day = ? AND text = ?`;

/** The word is the name of a sender whose signature was seen. */
export const MARK_SENDER: string = "UPDATE word SET sender = 1 WHERE id = ? AND sender = 0";

/** Whether a word is that. */
export const IS_SENDER: string = "SELECT 1 FROM word WHERE text = ? AND sender = 1";

/** One more of a kind. */
export const COUNT_TALLY: string = `INSERT INTO tally VALUES (?, ?, ?, 1)
  ON CONFLICT DO UPDATE SET count = count + 1`;

/** How many of a kind, about all domains. */
export const GET_TALLY: string =
  "SELECT count FROM tally WHERE day = ? AND kind = ? AND domain = 0";

/** How many of a kind, about one domain. */
export const GET_DOMAIN_TALLY: string = `SELECT count FROM tally JOIN word ON word.id = domain
  WHERE tally.day = ? AND kind = ? AND text = ?`;

/** Sets the time noted last. */
export const NOTE_TIME: string = "UPDATE clock SET last_seen = ?";

/** The ids of all domains in a table, by a step from each to the next. */
const domainIds = (table: string) =>
  `WITH RECURSIVE own(id) AS (SELECT min(domain) FROM ${table}
    UNION ALL SELECT (SELECT min(domain) FROM ${table} WHERE domain > own.id) FROM own
    WHERE own.id IS NOT NULL)`;

/** The domains with counts. */
export const LIST_DOMAINS: string = `${domainIds("outcome")}
  SELECT text AS domain FROM own JOIN word ON word.id = own.id ORDER BY text`;

/** The counts of a domain. */
export const LIST_OUTCOMES: string = `SELECT o.day, w.text AS submitter, o.policy, o.signed,
    total(o.ok) AS ok, total(o.failed) AS failed
  FROM outcome AS o JOIN word AS w ON w.id = o.submitter
  WHERE o.domain = ? AND o.day BETWEEN ? AND ?
  GROUP BY o.day, o.submitter, o.policy, o.signed
  ORDER BY o.day, w.text, o.policy, o.signed`;

/** The failures of a domain. */
export const LIST_PROBLEMS: string = `SELECT p.day, w.text AS submitter, p.signed, p.result,
    m.text AS mx, r.text AS reason, p.network, total(p.count) AS count
  FROM problem AS p JOIN word AS w ON w.id = p.submitter
    LEFT JOIN word AS m ON m.id = p.mx LEFT JOIN word AS r ON r.id = p.reason
  WHERE p.domain = ? AND p.day BETWEEN ? AND ?
  GROUP BY p.day, p.submitter, p.signed, p.result, p.mx, p.reason, p.network
  ORDER BY p.day, w.text, p.signed, count DESC, p.result, m.text, r.text, p.network`;

/** The latest reports about a domain. */
export const LIST_REPORTS: string = `SELECT r.id, w.text AS submitter, o.text AS organization,
    c.text AS contact, d.text AS deviations, report_id, range_begin, range_end, signed, way, received_at, changed,
    EXISTS (SELECT 1 FROM outcome AS k WHERE k.domain = r.domain AND k.day = r.day
      AND k.submitter = r.submitter AND k.key = r.key AND k.content = r.content) AS counts
  FROM report AS r JOIN word AS w ON w.id = r.submitter
    LEFT JOIN word AS o ON o.id = r.organization LEFT JOIN word AS c ON c.id = r.contact
    LEFT JOIN word AS d ON d.id = r.deviations
  WHERE r.domain = ? ORDER BY r.day DESC, r.id DESC LIMIT ?`;

/** The body of a report. */
export const GET_BODY: string = `SELECT coalesce(r.body, b.body) AS body
  FROM report AS r LEFT JOIN report AS b ON b.id = r.body_of WHERE r.id = ?`;

/** The first and the last day of a domain. */
export const GET_DAYS: string = `SELECT (SELECT min(day) FROM outcome WHERE domain = ?1) AS first,
  (SELECT max(day) FROM outcome WHERE domain = ?1) AS last`;

/** Pages in the file, without free ones. */
export const PAGES: string = `SELECT page_count - freelist_count AS pages
  FROM pragma_page_count(), pragma_freelist_count()`;

/** What of the counts goes: before a day, a number of rows. The domains are taken one by one, since keys begin so. */
export const PRUNE_COUNTS: readonly string[] = [
  `DELETE FROM outcome WHERE (domain, day, submitter, key, policy) IN (${domainIds("outcome")}
    SELECT domain, day, submitter, key, policy FROM own JOIN outcome
    ON outcome.domain = own.id AND outcome.day < ?1 LIMIT ?2)`,
  `DELETE FROM problem WHERE (domain, day, submitter, key, result, mx, reason, network) IN (${
    domainIds("problem")
  }
    SELECT domain, day, submitter, key, result, mx, reason, network FROM own JOIN problem
    ON problem.domain = own.id AND problem.day < ?1 LIMIT ?2)`,
];

/** Reports that came before a time. */
export const PRUNE_REPORTS: string = `DELETE FROM report WHERE id IN (
  SELECT id FROM report WHERE received_at < ?1 LIMIT ?2)`;

/** Counts of arrivals before a day. */
export const PRUNE_ARRIVALS: string = `DELETE FROM arrival WHERE (day, submitter) IN (
  SELECT day, submitter FROM arrival WHERE day < ?1 LIMIT ?2)`;

/** Tallies before a day. */
export const PRUNE_TALLIES: string = `DELETE FROM tally WHERE (day, kind, domain) IN (
  SELECT day, kind, domain FROM tally WHERE day < ?1 LIMIT ?2)`;

/** Words that no row uses any more. */
export const PRUNE_WORDS: string = `DELETE FROM word WHERE id IN (
  SELECT id FROM word WHERE day < ?1 LIMIT ?2)`;

/** Yields a row for each page, and stops early unless all are read. */
export const VACUUM: string = `PRAGMA incremental_vacuum(${VACUUM_PAGES})`;

/** Copies the WAL to the file, and waits for the disk. */
export const CHECKPOINT: string = "PRAGMA wal_checkpoint(PASSIVE)";
