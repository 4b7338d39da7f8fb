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

export const SELECT_POLICY = `SELECT rowid, domain, id, text, fetched_at AS fetchedAt,
  last_used_at AS lastUsedAt, refresh_at AS refreshAt FROM policies`;

export const GET_POLICY = `${SELECT_POLICY} WHERE domain = ?`;

/**
 * Two processes may share the file: the newest fetch wins, whoever writes last. One from the future, after
 * the last value, was stored by a wrong clock and does not count as newer.
 */
export const PUT_POLICY = `INSERT INTO policies VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
  ON CONFLICT (domain) DO UPDATE SET
    id = excluded.id, text = excluded.text, fetched_at = excluded.fetched_at,
    last_used_at = iif(last_used_at > ?8, excluded.last_used_at, max(last_used_at, excluded.last_used_at)),
    refresh_at = excluded.refresh_at, expires_at = excluded.expires_at
  WHERE excluded.fetched_at >= fetched_at OR fetched_at > ?8`;

/** Changes only the times that are given. */
export const MARK_POLICY = `UPDATE policies SET
    last_used_at = max(last_used_at, coalesce(?, last_used_at)),
    refresh_at = coalesce(?, refresh_at)
  WHERE domain = ?`;

export const HAS_POLICY = "SELECT 1 FROM policies WHERE domain = ?";

/** Reads the smallest index from end to end: 15 ms for a million. */
export const COUNT_POLICIES = "SELECT count(*) AS rows FROM policies";

export const LIST_POLICIES = `${SELECT_POLICY} WHERE (fetched_at, rowid) > (?, ?)
  ORDER BY fetched_at, rowid LIMIT ?`;

/** The index answers the conditions; only what is due is looked up. */
export const LIST_DUE = `SELECT domain FROM policies
  WHERE refresh_at <= ? AND last_used_at >= ? AND expires_at > ?
  ORDER BY refresh_at LIMIT ?`;

/** Those whose refresh lies further ahead than any regular one; by the same index. */
export const LIST_FAR = `SELECT domain FROM policies
  WHERE refresh_at > ? AND last_used_at >= ? AND expires_at > ? LIMIT ?`;

export const COUNT_HELD_OFF = "SELECT count(*) AS rows FROM failures WHERE retry_at > ?";

export const OLDEST_FETCH = `SELECT min(fetched_at) AS fetchedAt FROM (
    SELECT fetched_at, last_used_at FROM policies ORDER BY fetched_at LIMIT ${OLDEST_ROWS}
  ) WHERE last_used_at >= ?`;

/** Page by page from both ends, so that damage in the middle hides as little as possible. */
export const SALVAGES = [
  { query: `${SELECT_POLICY} WHERE rowid > ? ORDER BY rowid LIMIT ?`, start: -Infinity },
  { query: `${SELECT_POLICY} WHERE rowid < ? ORDER BY rowid DESC LIMIT ?`, start: Infinity },
];

export const GET_FAILURE = `SELECT rowid, domain, id, reason, detail, count,
  failed_at AS failedAt, retry_at AS retryAt FROM failures WHERE domain = ?`;

export const PUT_FAILURE = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?, ?, ?)";

export const CLEAR_FAILURE = "DELETE FROM failures WHERE domain = ?";

export const LIST_MX = `SELECT next_hop AS nextHop, json, checked_at AS checkedAt FROM mx
  WHERE domain = ?`;

export const GET_MX = `SELECT rowid, next_hop AS nextHop, json, checked_at AS checkedAt
  FROM mx WHERE domain = ? AND next_hop = ?`;

export const PUT_MX = "INSERT OR REPLACE INTO mx VALUES (?, ?, ?, ?)";

export const LAST_SEEN = "SELECT last_seen FROM clock";

/** Never back; but what is no time gives way. */
export const NOTE_TIME = `UPDATE clock SET last_seen =
  iif(last_seen >= 0 AND last_seen < ?2, max(last_seen, ?1), ?1)`;

/** Yields a row for each page, and stops early unless all are read. */
export const VACUUM = `PRAGMA incremental_vacuum(${VACUUM_PAGES})`;

/** Copies what it can without waiting for anyone. */
export const CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

export const EMPTY_CACHE = "PRAGMA shrink_memory";
