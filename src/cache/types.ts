/**
 * What is remembered across restarts. Policies are kept as the text that was
 * fetched and parsed again when read: there is no second schema that could
 * disagree with the parser. Negative results are never stored.
 *
 * Times are milliseconds since the Unix epoch in the process's time base
 * (`Clock.now`), which never runs backwards.
 *
 * @module
 */

/** A valid policy as fetched (RFC 8461 §3.2). */
export interface StoredPolicy {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** The policy file, verbatim. */
  readonly text: string;
  /** When the fetch ended, ms; `max_age` runs from here. */
  readonly fetchedAt: number;
  /** When the policy was last asked for, ms (coarse). */
  readonly lastUsedAt: number;
  /** When its regular fetch is due, ms. */
  readonly refreshAt: number;
}

/** A failed fetch that forbids another one for a while (RFC 8461 §3.3: per version id). */
export interface StoredFailure {
  readonly domain: string;
  readonly id: string;
  /** A `FetchFailure` word. */
  readonly reason: string;
  readonly detail: string;
  /** Failures in a row for this id. */
  readonly count: number;
  readonly failedAt: number;
  /** No attempt for the same id before, ms. */
  readonly retryAt: number;
}

/** What the MX and DANE lookups for a next hop came to, as JSON that its reader validates. */
export interface StoredMx {
  /** The next hop in Postfix's form: `example.com`, `[host]:587`. */
  readonly nextHop: string;
  readonly json: string;
  readonly checkedAt: number;
}

/** How the file behind the store fares. */
export type StoreHealth =
  | { readonly kind: "ok" }
  | { readonly kind: "memory"; readonly why: "configured" }
  /** The file cannot be used now: answers and new policies live in memory, writes are kept and tried again. */
  | { readonly kind: "degraded"; readonly error: string };

/**
 * Which policies are due: at most `limit` that are unexpired at `due` (ms), whose `refreshAt` is not
 * after it, and that were used since `usedSince` (ms).
 */
export interface DueQuery {
  readonly due: number;
  readonly usedSince: number;
  readonly limit: number;
}

/** What the policies of a page are sorted by. */
export type PageOrder = "domain" | "fetched" | "expires" | "used";

/** A page of policies, for display. */
export interface PageQuery {
  /** Ties are in no particular order. */
  readonly order: PageOrder;
  readonly descending: boolean;
  /** Only domains that begin with this, in the order `domain`; other orders take no notice of it. */
  readonly prefix: string;
  readonly offset: number;
  readonly limit: number;
}

/**
 * The store behind the memory. All calls are synchronous and none throws:
 * a fault of the file is logged once, counted, shown by `health`, and what was
 * written meanwhile is kept in memory until the file works again.
 */
export interface PolicyStore {
  getPolicy(domain: string): StoredPolicy | undefined;
  /** Written through before it returns when the file works, so that a policy once answered survives a kill. */
  putPolicy(policy: StoredPolicy): void;
  /** Notes a use; batched, may be lost by a kill or when there are many. */
  touchPolicy(domain: string, lastUsedAt: number): void;
  /** Removes policy, failure and MX of a domain. */
  remove(domain: string): void;
  getFailure(domain: string): StoredFailure | undefined;
  putFailure(failure: StoredFailure): void;
  clearFailure(domain: string): void;
  getMx(nextHop: string): StoredMx | undefined;
  putMx(mx: StoredMx): void;
  /** All policies, oldest fetch first, read in pages so that a million do not fill memory. */
  listPolicies(): IterableIterator<StoredPolicy>;
  /**
   * One page of the policies. Takes a few milliseconds whatever the number of policies, but for the order
   * `used`, which reads an index from end to end: 8 ms for 100,000 policies.
   */
  listPage(query: PageQuery): StoredPolicy[];
  /** The refresher's queue, the longest overdue first. */
  listDue(query: DueQuery): StoredPolicy[];
  /** Puts off the regular fetch of a policy, ms. */
  deferRefresh(domain: string, refreshAt: number): void;
  /** Number of policies held; of tens of thousands, what it was at most ten minutes ago. */
  count(): number;
  /** Number of failures that forbid a fetch at `now` (ms). */
  countHeldOff(now: number): number;
  /**
   * The `fetchedAt` of the policy fetched longest ago among those used since `usedSince` (ms).
   *
   * @returns `undefined` if there is none, or if too many that are out of use are older.
   */
  oldestFetch(usedSince: number): number | undefined;
  /** Drops failures, MX results and policies that nobody can use any more; see the implementation for the rules. */
  prune(now: number): number;
  /** Writes what is batched and tries again what failed. Called by a timer and at stop. */
  flush(): void;
  health(): StoreHealth;
  close(): void;
}
