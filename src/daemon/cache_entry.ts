/**
 * One domain of the cache as `cache list`, `cache show` and `cache export` print it. The control socket
 * sends the same form.
 *
 * @module
 */

import type { DomainNotes, StoredPolicy } from "../cache/types.ts";
import { quoteRemote } from "../base/quote_text.ts";
import { readView } from "../resolver/stored_view.ts";

/** A domain in the cache. Times are ISO 8601, durations seconds. */
export interface CacheEntry {
  readonly domain: string;
  readonly id: string;
  readonly mode: string;
  readonly max_age: number;
  readonly mx: readonly string[];
  readonly fetched: string;
  readonly expires: string;
  /** When the refresh is due. */
  readonly refresh: string;
  readonly last_used: string;
  /** The last failed fetch, if none has succeeded since. */
  readonly failure?: {
    readonly id: string;
    readonly reason: string;
    readonly detail: string;
    readonly count: number;
    readonly failed: string;
    readonly retry: string;
  };
  /** The DANE state and the MX hosts, as last looked up. */
  readonly dane?: {
    readonly state: string;
    readonly hosts: readonly string[];
    readonly checked: string;
  };
}

/** Describes a stored policy, with the last failure and the MX hosts of its domain. */
export function describeEntry(stored: StoredPolicy, notes: DomainNotes): CacheEntry {
  const failure = notes.getFailure(stored.domain);
  const mx = notes.getMx(stored.domain);
  const view = mx && readView(mx);
  return {
    domain: stored.domain,
    id: stored.id,
    mode: stored.policy.mode,
    max_age: stored.policy.maxAge,
    mx: stored.policy.mx,
    fetched: iso(stored.fetchedAt),
    expires: iso(stored.expiresAt),
    refresh: iso(stored.refreshAt),
    last_used: iso(stored.lastUsedAt),
    ...(failure && {
      failure: {
        id: failure.id,
        reason: failure.reason,
        detail: failure.detail,
        count: failure.count,
        failed: iso(failure.failedAt),
        retry: iso(failure.retryAt),
      },
    }),
    ...(view && {
      dane: { state: view.dane, hosts: view.hosts ?? [], checked: iso(view.checkedAt) },
    }),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** One line: domain, mode, id, time of fetch, time of expiry, last use, last problem. */
export function formatEntryLine(entry: CacheEntry): string {
  const { domain, mode, id, fetched, expires, last_used: used, failure } = entry;
  const day = (time: string) => time.slice(0, 16);
  const problem = failure === undefined ? "-" : failure.reason;
  return [domain, mode, id, day(fetched), day(expires), day(used), problem].join("\t");
}

/** The heading of {@link formatEntryLine}'s columns. */
export const ENTRY_HEADING = "domain\tmode\tid\tfetched\texpires\tlast used\tproblem";

/** Formats an entry in several lines for a person. */
export function formatEntry(entry: CacheEntry): string {
  const { failure, dane } = entry;
  const rows = [
    ["Policy", `mode ${entry.mode}, id ${entry.id}, max_age ${entry.max_age} s`],
    ["MX", entry.mx.join(" ") || "none"],
    ["Fetched", entry.fetched],
    ["Expires", entry.expires],
    ["Refresh", entry.refresh],
    ["Last used", entry.last_used],
    ["Problem", failure === undefined ? "none" : problemLine(failure)],
    ["DANE", dane === undefined ? "not looked up" : `${dane.state}, checked ${dane.checked}`],
    ["MX hosts", dane === undefined ? "not looked up" : dane.hosts.join(" ") || "none"],
  ];
  return [entry.domain, ...rows.map(([name, text]) => `  ${name!.padEnd(10)} ${text}`), ""].join(
    "\n",
  );
}

function problemLine(
  { reason, detail, id, count, failed, retry }: NonNullable<CacheEntry["failure"]>,
) {
  const times = count === 1 ? "once" : `${count} times`;
  return `${reason}: ${
    quoteRemote(detail)
  } (id ${id}, ${times}, last ${failed}, again after ${retry})`;
}
