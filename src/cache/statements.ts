/**
 * The SQL of the everyday questions and changes. Constant texts, so that finding the
 * prepared statement of one is cheap. The tables are in `schema.ts`.
 *
 * @module
 */

/** Free pages given back to the file system by one prune: 4 MB, a few milliseconds. */
const VACUUM_PAGES = 1000;

/** Policies looked at to find the oldest in use, 4 ms: those out of use are older, but few are kept so long. */
const OLDEST_ROWS = 2000;

/** All columns of policies that are read; a condition may follow. */
export const SELECT_POLICY: string = `SELECT rowid, domain, id, text, fetched_at AS fetchedAt,
  last_used_at AS lastUsedAt, refresh_at AS refreshAt FROM policies`;

/** By domain. */
export const GET_POLICY: string = `${SELECT_POLICY} WHERE domain = ?`;

/**
 * Two processes may share the file: the newest fetch wins, whoever writes last. One from the future, after
 * the last value, was stored by a wrong clock and does not count as newer.
 */
export const PUT_POLICY: string = `INSERT INTO policies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
  ON CONFLICT (domain) DO UPDATE SET
    id = excluded.id, text = excluded.text, fetched_at = excluded.fetched_at,
    last_used_at = iif(last_used_at > ?8, excluded.last_used_at, max(last_used_at, excluded.last_used_at)),
    refresh_at = excluded.refresh_at, expires_at = excluded.expires_at
  WHERE excluded.fetched_at >= fetched_at OR fetched_at > ?8`;

/** Changes only the times that are given. */
export const MARK_POLICY: string = `UPDATE policies SET
    last_used_at = max(last_used_at, coalesce(?, last_used_at)),
    refresh_at = coalesce(?, refresh_at)
  WHERE domain = ?`;

/** By domain. */
export const HAS_POLICY: string = "SELECT 1 FROM policies WHERE domain = ?";

/** Reads the smallest index from end to end: 15 ms for a million. */
export const COUNT_POLICIES: string = "SELECT count(*) AS rows FROM policies";

/** A page by domain, behind one. */
export const LIST_POLICIES: string = `${SELECT_POLICY} WHERE domain > ? ORDER BY domain LIMIT ?`;

/** The index answers the conditions; only what is due is looked up. */
export const LIST_DUE: string = `SELECT domain FROM policies
  WHERE refresh_at <= ? AND last_used_at >= ? AND expires_at > ?
  ORDER BY refresh_at LIMIT ?`;

/** Those whose refresh lies further ahead than any regular one; by the same index. */
export const LIST_FAR: string = `SELECT domain FROM policies
  WHERE refresh_at > ? AND last_used_at >= ? AND expires_at > ? LIMIT ?`;

/** Failures that forbid a fetch at a time. */
export const COUNT_HELD_OFF: string = "SELECT count(*) AS rows FROM failures WHERE retry_at > ?";

/** Of the policies used since a time, among those fetched longest ago. */
export const OLDEST_FETCH: string = `SELECT min(fetched_at) AS fetchedAt FROM (
    SELECT fetched_at, last_used_at FROM policies ORDER BY fetched_at LIMIT ${OLDEST_ROWS}
  ) WHERE last_used_at >= ?`;

const SELECT_FAILURE = `SELECT rowid, domain, id, reason, detail, count,
  failed_at AS failedAt, retry_at AS retryAt FROM failures`;

/** By domain. */
export const GET_FAILURE: string = `${SELECT_FAILURE} WHERE domain = ?`;

/** A page by domain, behind one. */
export const LIST_FAILURES: string = `${SELECT_FAILURE} WHERE domain > ? ORDER BY domain LIMIT ?`;

/** Those that are tried again last; as a rule they failed last. By an index. */
export const LATEST_FAILURES: string = `SELECT rowid, domain, id, reason, detail, count,
  failed_at AS failedAt, retry_at AS retryAt FROM failures ORDER BY retry_at DESC LIMIT ?`;

/** All columns, in the order of the table. */
export const PUT_FAILURE: string = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)";

/** By domain. */
export const CLEAR_FAILURE: string = "DELETE FROM failures WHERE domain = ?";

/** All next hops of a domain. */
export const LIST_MX: string = `SELECT next_hop AS nextHop, json, checked_at AS checkedAt FROM mx
  WHERE domain = ?`;

/** By domain and next hop. */
export const GET_MX: string = `SELECT rowid, next_hop AS nextHop, json, checked_at AS checkedAt
  FROM mx WHERE domain = ? AND next_hop = ?`;

/** All columns, in the order of the table. */
export const PUT_MX: string = "INSERT OR REPLACE INTO mx VALUES (?, ?, ?, ?)";

/** The latest time noted. */
export const LAST_SEEN: string = "SELECT last_seen FROM clock";

/** Never back; but what is no time gives way. */
export const NOTE_TIME: string = `UPDATE clock SET last_seen =
  iif(last_seen >= 0 AND last_seen < ?2, max(last_seen, ?1), ?1)`;

/** Yields a row for each page, and stops early unless all are read. */
export const VACUUM: string = `PRAGMA incremental_vacuum(${VACUUM_PAGES})`;
