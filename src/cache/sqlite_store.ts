/**
 * The store in a SQLite file, one file for everything, in WAL mode.
 *
 * Policies, failures and next hops are written through; times of use and of refresh are batched.
 * What the file does not take is kept in memory ({@link PendingWrites}), hides what the file holds,
 * and is written by a later `flush`. It does not judge policies and does not cache reads: the
 * resolver's memory stands in front of it.
 *
 * @module
 */

import type { Log, Metric, Metrics } from "../monitor/types.ts";
import { type CacheFile, type Cursor, LIST_START } from "./cache_file.ts";
import { FAULT_KINDS } from "./fault.ts";
import { FileKeeper } from "./file_keeper.ts";
import { dated, selectPage } from "./page.ts";
import { type Dropped, PendingWrites } from "./pending_writes.ts";
import { selectDue } from "./rows.ts";
import { FILE_MAX_OCTETS } from "./schema.ts";
import type {
  DueQuery,
  PageQuery,
  PolicyStore,
  StoredFailure,
  StoredMx,
  StoredPolicy,
  StoreHealth,
} from "./types.ts";

/** Policies read at once by a listing: 250 KB as a rule, 32 MB at worst. */
const PAGE_ROWS = 500;

/**
 * Marks for the next flush beyond which uses are not noted: writing one takes 50 µs in a file of a
 * million, and no query is answered meanwhile. A domain that is in use will be noted at a later one.
 */
const USES_MAX_MARKS = 100;

/** Options of {@link createSqliteStore}. */
export interface SqliteStoreOptions {
  /** The file; its directories are made when missing. */
  readonly path: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The process's time, ms; never runs backwards. */
  readonly now: () => number;
  /**
   * Accepts a file and a directory that others can write.
   * @default false
   */
  readonly allowUnsafeDirectory?: boolean;
  /**
   * The file grows to this many octets at most; what comes later stays in memory.
   * @default FILE_MAX_OCTETS
   */
  readonly maxFileOctets?: number;
}

/** Opens the store. Never throws: a file that cannot be used shows in `health()`. */
export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  return new SqliteStore(options);
}

/** A {@link PolicyStore} in a SQLite file. */
export class SqliteStore implements PolicyStore {
  readonly #log: Log;
  readonly #errors: Metric;
  readonly #keeper: FileKeeper;
  readonly #pending: PendingWrites;
  readonly #now: () => number;
  #saidDropped = false;
  #isClosed = false;

  constructor(options: SqliteStoreOptions) {
    const { path, log, now, allowUnsafeDirectory = false, maxFileOctets = FILE_MAX_OCTETS } =
      options;
    this.#log = log;
    this.#now = now;
    const errors = options.metrics.counter(
      "mta_sts_store_errors_total",
      "Faults of the cache file; row: a record not believed; dropped: a pending write lost.",
      ["kind"],
    );
    for (const kind of [...FAULT_KINDS, "row", "dropped"]) errors.cell(kind);
    this.#errors = errors;
    this.#keeper = new FileKeeper({ path, log, errors, now, allowUnsafeDirectory, maxFileOctets });
    this.#pending = new PendingWrites((dropped) => this.#noteDropped(dropped));
    this.#settle();
  }

  getPolicy(domain: string): StoredPolicy | undefined {
    const pending = this.#pending.getPolicy(domain);
    const policy = pending === undefined
      ? this.#keeper.read((file) => file.getPolicy(domain))
      : pending;
    return policy ? this.#pending.marked(policy) : undefined;
  }

  putPolicy(policy: StoredPolicy): void {
    if (this.#keeper.write((file) => file.putPolicy(policy))) {
      this.#pending.dropMark(policy.domain);
    } else {
      this.#pending.putPolicy(policy);
    }
  }

  /**
   * Stores many policies in one transaction, twice as fast as one by one: for loading.
   *
   * @returns Whether the file has taken them; else none is stored.
   */
  putPolicies(policies: Iterable<StoredPolicy>): boolean {
    const putAll = (file: CacheFile) => {
      for (const policy of policies) file.putPolicy(policy);
    };
    this.#settle();
    return this.#keeper.write((file) => file.transaction(() => putAll(file)));
  }

  touchPolicy(domain: string, lastUsedAt: number): void {
    if (this.#pending.marks < USES_MAX_MARKS) this.#pending.mark(domain, { lastUsedAt });
  }

  deferRefresh(domain: string, refreshAt: number): void {
    this.#pending.mark(domain, { refreshAt });
  }

  remove(domain: string): void {
    const remove = (file: CacheFile) => file.transaction(() => file.remove(domain));
    if (this.#keeper.write(remove)) this.#pending.dropMark(domain);
    else this.#pending.remove(domain);
  }

  getFailure(domain: string): StoredFailure | undefined {
    const pending = this.#pending.getFailure(domain);
    if (pending !== undefined) return pending ?? undefined;
    return this.#keeper.read((file) => file.getFailure(domain));
  }

  putFailure(failure: StoredFailure): void {
    const isWritten = this.#keeper.write((file) => file.putFailure(failure));
    if (!isWritten) this.#pending.putFailure(failure);
  }

  clearFailure(domain: string): void {
    const isWritten = this.#keeper.write((file) => file.clearFailure(domain));
    if (!isWritten) this.#pending.clearFailure(domain);
  }

  getMx(nextHop: string): StoredMx | undefined {
    const pending = this.#pending.getMx(nextHop);
    if (pending !== undefined) return pending ?? undefined;
    return this.#keeper.read((file) => file.getMx(nextHop));
  }

  putMx(mx: StoredMx): void {
    if (!this.#keeper.write((file) => file.putMx(mx))) this.#pending.putMx(mx);
  }

  /** All policies, oldest fetch first, pending ones last. One stored meanwhile may come twice. */
  *listPolicies(): IterableIterator<StoredPolicy> {
    let cursor: Cursor | undefined = LIST_START;
    while (cursor !== undefined) {
      const from: Cursor = cursor;
      const page = this.#keeper.read((file) => file.listPolicies(from, PAGE_ROWS));
      yield* this.#current(page?.policies ?? []);
      cursor = page?.next;
    }
    yield* this.#pending.policies();
  }

  listPage(query: PageQuery): StoredPolicy[] {
    const read = (page: PageQuery) => this.#keeper.read((file) => file.listPage(page)) ?? [];
    const pending = this.#pending.policies();
    const hidden = pending.length + this.#pending.removed().length;
    if (hidden === 0) return this.#current(read(query));
    // While the file is unusable: of what it holds all that may be on the page, and what it lacks.
    const stored = read({ ...query, offset: 0, limit: query.offset + query.limit + hidden });
    return selectPage([...this.#current(stored), ...pending].map(dated), query);
  }

  listDue(query: DueQuery): StoredPolicy[] {
    // Writes the marks, so that as a rule nothing is pending and the file knows best.
    this.flush();
    const limit = query.limit + this.#pending.size;
    const stored = this.#keeper.read((file) => file.listDue({ ...query, limit })) ?? [];
    if (this.#pending.size === 0) return stored;
    return selectDue([...this.#current(stored), ...this.#pending.policies()], query);
  }

  /** Of many in the file, those there were a few minutes before: see `CacheFile.count`. */
  count(): number {
    const has = (domain: string) => this.#keeper.read((file) => file.has(domain)) ?? false;
    const added = this.#pending.policies().filter(({ domain }) => !has(domain)).length;
    const removed = this.#pending.removed().filter(has).length;
    return (this.#keeper.read((file) => file.count(this.#now())) ?? 0) + added - removed;
  }

  /** While the file is unusable a domain whose failure it holds may count twice. */
  countHeldOff(now: number): number {
    const stored = this.#keeper.read((file) => file.countHeldOff(now)) ?? 0;
    return stored + this.#pending.countHeldOff(now);
  }

  /** While the file is unusable what it holds counts, even if there is something newer. */
  oldestFetch(usedSince: number): number | undefined {
    const stored = this.#keeper.read((file) => file.oldestFetch(usedSince));
    const pending = this.#pending.policies().filter(({ lastUsedAt }) => lastUsedAt >= usedSince);
    const oldest = pending.reduce(
      (least, { fetchedAt }) => Math.min(least, fetchedAt),
      stored ?? Infinity,
    );
    return oldest === Infinity ? undefined : oldest;
  }

  /**
   * Deletes expired policies, failures whose retry time is a day past, and results for next
   * hops that are a week old, a bounded number at a time. A valid policy is never deleted.
   *
   * @returns Number of records deleted.
   */
  prune(now: number): number {
    let records = 0;
    this.#keeper.write((file) => records = file.prune(now));
    return records;
  }

  flush(): void {
    if (this.#keeper.isDue && !this.#isClosed) this.#settle();
  }

  health(): StoreHealth {
    return this.#keeper.health();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settle();
    if (this.#pending.size > 0) {
      this.#log.error("cache writes lost at close", { entries: this.#pending.size });
    }
    this.#keeper.close();
  }

  #settle(): void {
    const hasWrites = this.#pending.size > 0 || this.#isClosed;
    if (!this.#keeper.settle(hasWrites ? (file) => this.#pending.writeTo(file) : undefined)) return;
    this.#pending.clear();
    this.#saidDropped = false;
  }

  /** Of policies from the file those that are not superseded by pending writes. */
  #current(policies: StoredPolicy[]): StoredPolicy[] {
    if (this.#pending.size === 0) return policies;
    return policies.filter(({ domain }) => this.#pending.getPolicy(domain) === undefined)
      .map((policy) => this.#pending.marked(policy));
  }

  #noteDropped(dropped: Dropped): void {
    this.#errors.cell("dropped").value++;
    // The rest is learned again.
    if (dropped !== "policies" || this.#saidDropped) return;
    this.#log.warn("policies dropped, no room in memory while the cache file is unusable");
    this.#saidDropped = true;
  }
}
