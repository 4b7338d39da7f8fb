/**
 * Pages of policies, sorted one way or another, for display: the SQL for the file, and the same
 * for what is in memory.
 *
 * @module
 */

import { SELECT_POLICY } from "./statements.ts";
import type { PageOrder, PageQuery, StoredPolicy } from "./types.ts";

/** The column of an order. */
const COLUMNS: Readonly<Record<PageOrder, string>> = {
  domain: "domain",
  fetched: "fetched_at",
  expires: "expires_at",
  used: "last_used_at",
};

/** Higher than whatever may follow a prefix in a domain. */
const PREFIX_END = "\x7f";

/**
 * The statement for a page, one of a few constant texts, and its values.
 *
 * The inner query reads an index only: that of the order, or for `used`, which has none because it would
 * double the cost of noting a use, the one for what is due. Rows are looked up for the page alone; the plus
 * keeps the outer query from walking the index again to save itself the sorting.
 */
export function pageStatement(
  { order, descending, prefix, offset, limit }: PageQuery,
): [sql: string, ...values: (string | number)[]] {
  const column = COLUMNS[order];
  const direction = descending ? "DESC" : "ASC";
  const range = order === "domain" ? "WHERE domain >= ? AND domain < ?" : "";
  const sql = `${SELECT_POLICY} JOIN (
      SELECT rowid AS chosen FROM policies ${range} ORDER BY ${column} ${direction} LIMIT ? OFFSET ?
    ) ON policies.rowid = chosen ORDER BY +${column} ${direction}`;
  const bounds = order === "domain" ? [prefix, prefix + PREFIX_END] : [];
  return [sql, ...bounds, limit, offset];
}

/** The page of policies in memory; one pass, and memory for twice the rows up to its end. */
export function selectPage(policies: Iterable<StoredPolicy>, query: PageQuery): StoredPolicy[] {
  const { order, descending, prefix, offset, limit } = query;
  const end = offset + limit;
  const before = comparer(order, descending);
  let kept: StoredPolicy[] = [];
  let worst: StoredPolicy | undefined;
  for (const one of policies) {
    if (order === "domain" && !one.domain.startsWith(prefix)) continue;
    if (worst !== undefined && before(one, worst) >= 0) continue;
    kept.push(one);
    if (kept.length < 2 * end) continue;
    kept = kept.sort(before).slice(0, end);
    worst = kept.at(-1);
  }
  return kept.sort(before).slice(offset, end);
}

function comparer(
  order: PageOrder,
  descending: boolean,
): (one: StoredPolicy, other: StoredPolicy) => number {
  const key = KEYS[order];
  const sign = descending ? -1 : 1;
  return (one, other) => {
    const [left, right] = [key(one), key(other)];
    return left === right ? 0 : left < right ? -sign : sign;
  };
}

const KEYS: Readonly<Record<PageOrder, (policy: StoredPolicy) => string | number>> = {
  domain: ({ domain }) => domain,
  fetched: ({ fetchedAt }) => fetchedAt,
  expires: ({ expiresAt }) => expiresAt,
  used: ({ lastUsedAt }) => lastUsedAt,
};
