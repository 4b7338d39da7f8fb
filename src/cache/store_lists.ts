/**
 * Lists and counts of a store: what the file holds, joined with the writes that are pending.
 *
 * @module
 */

import type { CacheFile } from "./cache_file.ts";
import { selectPage } from "./page.ts";
import type { PendingWrites } from "./pending_writes.ts";
import { selectDue, selectLatest, selectListing } from "./rows.ts";
import type {
  DueQuery,
  Listing,
  ListQuery,
  PageQuery,
  StoredFailure,
  StoredPolicy,
} from "./types.ts";

/** What {@link StoreLists} joins. */
export interface ListParts {
  /** Reads from the file; `undefined` if that cannot be done now. */
  readonly read: <T>(action: (file: CacheFile) => T) => T | undefined;
  /** What hides the contents of the file. */
  readonly pending: PendingWrites;
}

/** The lists of one store. No method throws. */
export class StoreLists {
  readonly #read: ListParts["read"];
  readonly #pending: PendingWrites;

  /** Reads nothing yet. @param parts File and pending writes. */
  constructor({ read, pending }: ListParts) {
    this.#read = read;
    this.#pending = pending;
  }

  /** See `PolicyLists.listPolicies`. */
  policies(query: ListQuery): Listing<StoredPolicy> {
    const stored = this.#read((file) => file.lists.policies(query));
    const current = stored && { ...stored, entries: this.#current(stored.entries) };
    return join(current, { pending: this.#pending.policies(), query });
  }

  /** See `PolicyLists.listFailures`. */
  failures(query: ListQuery): Listing<StoredFailure> {
    const stored = this.#read((file) => file.lists.failures(query));
    const isCurrent = ({ domain }: StoredFailure) => this.#pending.getFailure(domain) === undefined;
    const current = stored && { ...stored, entries: stored.entries.filter(isCurrent) };
    return join(current, { pending: this.#pending.failures(), query });
  }

  /** See `PolicyLists.listPage`. */
  page(query: PageQuery): StoredPolicy[] {
    const read = (page: PageQuery) => this.#read((file) => file.lists.page(page)) ?? [];
    const pending = this.#pending.policies();
    const hidden = pending.length + this.#pending.removed().length;
    if (hidden === 0) return this.#current(read(query));
    // While the file is unusable: of what it holds all that may be on the page, and what it lacks.
    const stored = read({ ...query, offset: 0, limit: query.offset + query.limit + hidden });
    return selectPage([...this.#current(stored), ...pending], query);
  }

  /** See `PolicyLists.listDue`. */
  due(query: DueQuery): string[] {
    const limit = query.limit + this.#pending.size;
    const stored = this.#read((file) => file.lists.due({ ...query, limit })) ?? [];
    if (this.#pending.size === 0) return stored;
    // While the file is unusable: what it lists may be marked, and what is stored here comes on top.
    const marked = stored.flatMap((domain) => {
      const policy = this.#policy(domain);
      return policy === undefined ? [] : [policy];
    });
    const here = this.#pending.policies().filter(({ domain }) => !stored.includes(domain));
    return selectDue([...marked, ...here], query);
  }

  /** Of many in the file, those there were a few minutes before: see `FileLists.count`. */
  count(now: number): number {
    const has = (domain: string) => this.#read((file) => file.lists.has(domain)) ?? false;
    const added = this.#pending.policies().filter(({ domain }) => !has(domain)).length;
    const removed = this.#pending.removed().filter(has).length;
    return (this.#read((file) => file.lists.count(now)) ?? 0) + added - removed;
  }

  /** While the file is unusable a domain whose failure it holds may count twice. */
  countHeldOff(now: number): number {
    const stored = this.#read((file) => file.lists.countHeldOff(now)) ?? 0;
    return stored + this.#pending.countHeldOff(now);
  }

  /** See `PolicyLists.latestFailures`. */
  latestFailures(limit: number): StoredFailure[] {
    const wanted = limit + this.#pending.results + this.#pending.removed().length;
    const stored = this.#read((file) => file.latestFailures(wanted)) ?? [];
    const current = stored.filter(({ domain }) => this.#pending.getFailure(domain) === undefined);
    return selectLatest([...current, ...this.#pending.failures()], limit);
  }

  /** While the file is unusable what it holds counts, even if there is something newer. */
  oldestFetch(usedSince: number): number | undefined {
    const stored = this.#read((file) => file.lists.oldestFetch(usedSince));
    const pending = this.#pending.policies().filter(({ lastUsedAt }) => lastUsedAt >= usedSince);
    const oldest = pending.reduce(
      (least, { fetchedAt }) => Math.min(least, fetchedAt),
      stored ?? Infinity,
    );
    return oldest === Infinity ? undefined : oldest;
  }

  #policy(domain: string): StoredPolicy | undefined {
    const pending = this.#pending.getPolicy(domain);
    if (pending === null) return undefined;
    const policy = pending ?? this.#read((file) => file.getPolicy(domain));
    return policy && this.#pending.marked(policy);
  }

  /** Of policies from the file those that are not superseded by pending writes. */
  #current(policies: readonly StoredPolicy[]): StoredPolicy[] {
    if (this.#pending.size === 0) return [...policies];
    return policies.filter(({ domain }) => this.#pending.getPolicy(domain) === undefined)
      .map((policy) => this.#pending.marked(policy));
  }
}

/** A part of what the file holds, if it can be read, with what is pending in the same range. */
function join<Entry extends { readonly domain: string }>(
  stored: Listing<Entry> | undefined,
  { pending, query }: { readonly pending: readonly Entry[]; readonly query: ListQuery },
): Listing<Entry> {
  if (stored === undefined) return selectListing(pending, query);
  if (pending.length === 0) return stored;
  const { next } = stored;
  const here = pending.filter(({ domain }) => next === undefined || domain <= next);
  // All of it, however many: the next part begins behind them.
  const { entries } = selectListing([...stored.entries, ...here], { ...query, limit: Infinity });
  return { entries, next };
}
