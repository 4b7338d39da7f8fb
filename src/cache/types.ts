/**
 * What is remembered across restarts. Policies are kept as the text that was
 * fetched and parsed again when read, once: there is no second schema that could
 * disagree with the parser. Negative results are never stored.
 *
 * Times are milliseconds since the Unix epoch in the process's time base
 * (`Clock.now`), which never runs backwards.
 *
 * A store is three things to those who use it: what the resolver needs on its way to an answer
 * ({@link DomainStore}), what lists and counts ({@link PolicyLists}), and the life of the
 * file behind it ({@link StoreCare}). Only its opener holds all three.
 *
 * @module
 */

import type { PolicyFile } from "../sts/policy.ts";

/** A valid policy as fetched (RFC 8461 §3.2). */
export interface StoredPolicy extends PolicyFile {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** When the fetch ended, ms; `max_age` runs from here. */
  readonly fetchedAt: number;
  /** `fetchedAt` plus `max_age`, ms; never used from this moment on. */
  readonly expiresAt: number;
  /** When the policy was last asked for, ms (coarse). */
  readonly lastUsedAt: number;
  /** When its regular fetch is due, ms. */
  readonly refreshAt: number;
}

/** A failed fetch that forbids another one for a while (RFC 8461 §3.3: per version id). */
export interface StoredFailure {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` of the TXT record seen before the fetch. */
  readonly id: string;
  /** A `FetchFailure` word. */
  readonly reason: string;
  /** One line for a person. */
  readonly detail: string;
  /** Failures in a row for this id. */
  readonly count: number;
  /** When the fetch ended, ms. */
  readonly failedAt: number;
  /** No attempt for the same id before, ms. */
  readonly retryAt: number;
}

/** What the MX and DANE lookups for a next hop came to, as JSON that its reader validates. */
export interface StoredMx {
  /** The next hop in Postfix's form: `example.com`, `[host]:587`. */
  readonly nextHop: string;
  /** Written and read by `resolver/stored_view.ts`. */
  readonly json: string;
  /** When the lookups ended, ms. */
  readonly checkedAt: number;
}

/** The state of the file behind the store. */
export type StoreHealth =
  | { readonly kind: "ok" }
  | { readonly kind: "memory"; readonly why: "configured" }
  /** The file cannot be used now: answers and new policies live in memory, writes are kept and tried again. */
  | { readonly kind: "degraded"; readonly error: string };

/** What the store says of a domain's policy. */
export type PolicyLookup =
  | { readonly kind: "found"; readonly policy: StoredPolicy }
  /** There is none, for certain. */
  | { readonly kind: "absent" }
  /**
   * It could not be read: there may be one. Not to be remembered.
   * `reason` is a few words without remote text: `cache file unusable (busy)`.
   */
  | { readonly kind: "unavailable"; readonly reason: string };

/** What those who remember something of the store must know. */
export type StoreNews =
  /** This process has stored a policy. */
  | { readonly kind: "stored"; readonly policy: StoredPolicy }
  /** The file came back, or another took its place: what was not there may be there now. */
  | { readonly kind: "reopened" };

/**
 * Which policies are due: at most `limit` that are unexpired at `alive` (ms), were used since `usedSince`
 * (ms), and whose `refreshAt` is not after `due` (ms). One whose `refreshAt` is after `farthest` (ms), further
 * ahead than any regular one, was stored by a wrong clock and is due as well.
 */
export interface DueQuery {
  /** Latest regular fetch that is due, ms. */
  readonly due: number;
  /** Earlier expiries do not count, ms. */
  readonly alive: number;
  /** Latest regular fetch that can be right, ms. */
  readonly farthest: number;
  /** Earlier last uses do not count, ms. */
  readonly usedSince: number;
  /** Domains at most. */
  readonly limit: number;
}

/** What the policies of a page are sorted by. */
export type PageOrder = "domain" | "fetched" | "expires" | "used";

/** A page of policies, for display. */
export interface PageQuery {
  /** Ties are in no particular order. */
  readonly order: PageOrder;
  /** The last of the order first. */
  readonly descending: boolean;
  /** Only domains that begin with this, in the order `domain`; other orders take no notice of it. */
  readonly prefix: string;
  /** Policies that are left out at the start. */
  readonly offset: number;
  /** Policies on the page at most. */
  readonly limit: number;
}

/** The part of a listing by domain that is wanted. */
export interface ListQuery {
  /** Only what comes behind this domain; empty for the start. */
  readonly after: string;
  /** Entries at most. */
  readonly limit: number;
}

/** A part of a listing by domain. What cannot be believed is left out, so it may be short before the end. */
export interface Listing<Entry> {
  /** In the order of their domains. */
  readonly entries: readonly Entry[];
  /** Where the next part begins (`ListQuery.after`); `undefined` at the end. */
  readonly next: string | undefined;
}

/** What is noted of a domain beside its policy. */
export interface DomainNotes {
  /** A failure that cannot be read counts as none, which costs an early fetch. */
  getFailure(domain: string): StoredFailure | undefined;
  /** What cannot be read counts as not known, which costs a lookup. */
  getMx(nextHop: string): StoredMx | undefined;
}

/**
 * What the resolver needs on its way to an answer. All calls are synchronous and local, and none
 * throws: a fault of the file is logged once, counted, shown by `health`, and what was written
 * meanwhile is kept in memory until the file works again.
 */
export interface DomainStore extends DomainNotes {
  /** The policy of a domain, whether expired or not. */
  getPolicy(domain: string): PolicyLookup;
  /** Written through before it returns when the file works, so that a policy once answered survives a kill. */
  putPolicy(policy: StoredPolicy): void;
  /** Notes a use; batched, may be lost by a kill or when there are many. */
  touchPolicy(domain: string, lastUsedAt: number): void;
  /** Puts off the regular fetch of a policy, ms. */
  deferRefresh(domain: string, refreshAt: number): void;
  /** Removes policy, failure and MX of a domain. */
  remove(domain: string): void;
  /** Notes a failed fetch; written within a second, may be lost by a kill, which costs an early fetch. */
  putFailure(failure: StoredFailure): void;
  /** Ends the count of failures; written like them. */
  clearFailure(domain: string): void;
  /** Notes what lookups came to; written through before it returns when the file works, as an answer rests on it. */
  putMx(mx: StoredMx): void;
  /** Whether the file cannot be read at the moment: it may hold more of a next hop than {@link DomainNotes.getMx} returns. */
  hidesMx(nextHop: string): boolean;
  /** Has `listener` called with news, until the function that is returned is called. It must not throw. */
  onNews(listener: (news: StoreNews) => void): () => void;
}

/** What lists and counts. What cannot be read is left out. */
export interface PolicyLists {
  /** A part of all policies, by domain. A million take a million rows in the end, but no memory. */
  listPolicies(query: ListQuery): Listing<StoredPolicy>;
  /** A part of all failed fetches, by domain, whether there is a policy or not. */
  listFailures(query: ListQuery): Listing<StoredFailure>;
  /**
   * One page of the policies. Takes a few milliseconds whatever the number of policies, but for the order
   * `used`, which reads an index from end to end: 8 ms for 100,000 policies.
   */
  listPage(query: PageQuery): StoredPolicy[];
  /** The domains in the refresher's queue, the longest overdue first. */
  listDue(query: DueQuery): string[];
  /** Number of policies held; of tens of thousands, what it was at most ten minutes ago. */
  count(): number;
  /** Number of failures that forbid a fetch at `now` (ms). */
  countHeldOff(now: number): number;
  /** The failed fetches that are remembered, the latest first; at most `limit`. */
  latestFailures(limit: number): StoredFailure[];
  /**
   * The `fetchedAt` of the policy fetched longest ago among those used since `usedSince` (ms).
   *
   * @returns `undefined` if there is none, or if too many that are out of use are older.
   */
  oldestFetch(usedSince: number): number | undefined;
}

/** The life of the file behind the store. No call throws. */
export interface StoreCare {
  /** Drops failures, MX results and policies that nobody can use any more; see the implementation for the rules. */
  prune(now: number): number;
  /** Writes what is batched and tries again what failed. Called by a timer and at stop. */
  flush(): void;
  /** Whether the file works. */
  health(): StoreHealth;
  /** Octets of memory that writes take which the file has not taken yet. */
  pendingOctets(): number;
  /** Writes what is pending and ends the use of the file. */
  close(): void;
}

/** A whole store, for its opener. */
export interface PolicyStore extends DomainStore, PolicyLists, StoreCare {}
