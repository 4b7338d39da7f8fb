/**
 * The store in a SQLite file, one file for everything, in WAL mode.
 *
 * Policies and next hops are written through: an answer survives a kill. Failures are written in groups, times
 * of use and of refresh at each flush; a kill loses those of the last second. What is not
 * written yet is kept in memory ({@link PendingWrites}) and hides what the file holds; so is, until a later
 * `flush`, what the file does not take. The store does not judge policies and does not cache reads: the
 * resolver's memory stands in front of it.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metric } from "../base/metrics.ts";
import { FAULT_KINDS } from "../sqlite/fault.ts";
import type { FileKeeper } from "../sqlite/file_keeper.ts";
import { BadRows } from "./bad_rows.ts";
import type { CacheFile } from "./cache_file.ts";
import { createCacheKeeper } from "./cache_keeper.ts";
import { News } from "./news.ts";
import { type Dropped, PendingWrites } from "./pending_writes.ts";
import { isFailure, isMx } from "./rows.ts";
import { FILE_MAX_OCTETS } from "./schema.ts";
import { StoreLists } from "./store_lists.ts";
import type { SqliteStoreOptions } from "./store_options.ts";
import type {
  DueQuery,
  Listing,
  ListQuery,
  PageQuery,
  PolicyLookup,
  PolicyStore,
  StoredFailure,
  StoredMx,
  StoredPolicy,
  StoreHealth,
  StoreNews,
} from "./types.ts";

/**
 * Marks for the next flush beyond which uses are not noted: writing one takes 50 µs in a file of a
 * million, and no query is answered meanwhile. A domain that is in use will be noted at a later one.
 */
const USES_MAX_MARKS = 100;

/**
 * Failures written in one transaction, half a millisecond: each costs a quarter of what it would by itself.
 */
const RESULTS_IN_GROUP = 32;

const ABSENT: PolicyLookup = { kind: "absent" };

/** Opens the store. Never throws: a file that cannot be used shows in `health()`. */
export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  return new SqliteStore(options);
}

/** A {@link PolicyStore} in a SQLite file. */
export class SqliteStore implements PolicyStore {
  readonly #log: Log;
  readonly #errors: Metric;
  readonly #keeper: FileKeeper<CacheFile>;
  readonly #pending: PendingWrites;
  readonly #badRows: BadRows;
  readonly #lists: StoreLists;
  readonly #now: () => number;
  readonly #news = new News();
  #saidDropped = false;
  #isClosed = false;

  /** Opens the file. */
  constructor(options: SqliteStoreOptions) {
    const { log, now } = options;
    this.#log = log;
    this.#now = now;
    const errors = options.metrics.counter(
      "mta_sts_store_errors_total",
      "Faults of the cache file; row: a record not believed; dropped: a pending write lost.",
      ["kind"],
    );
    for (const kind of [...FAULT_KINDS, "row", "dropped"]) errors.cell(kind);
    this.#errors = errors;
    this.#badRows = new BadRows({ path: options.path, log, errors });
    this.#keeper = createCacheKeeper({
      badRows: this.#badRows,
      path: options.path,
      log,
      errors,
      now,
      proven: options.proven ?? now,
      onLastSeen: options.onLastSeen ?? (() => {}),
      onReopened: () => this.#news.tell({ kind: "reopened" }),
      allowUnsafeDirectory: options.allowUnsafeDirectory ?? false,
      maxFileOctets: options.maxFileOctets ?? FILE_MAX_OCTETS,
    });
    this.#pending = new PendingWrites((dropped) => this.#noteDropped(dropped));
    this.#lists = new StoreLists({
      read: (action) => this.#read(action),
      pending: this.#pending,
    });
    this.#settle();
  }

  getPolicy(domain: string): PolicyLookup {
    const pending = this.#pending.getPolicy(domain);
    if (pending === null) return ABSENT;
    if (pending !== undefined) return { kind: "found", policy: this.#pending.marked(pending) };
    const reading = this.#keeper.read((file) => file.getPolicy(domain));
    if (reading.kind === "unavailable") return reading;
    if (reading.value === undefined) return ABSENT;
    return { kind: "found", policy: this.#pending.marked(reading.value) };
  }

  putPolicy(policy: StoredPolicy): void {
    if (this.#keeper.write((file) => file.putPolicy(policy))) {
      this.#pending.dropMark(policy.domain);
    } else {
      this.#pending.putPolicy(policy);
    }
    this.#news.tell({ kind: "stored", policy });
  }

  touchPolicy(domain: string, lastUsedAt: number): void {
    if (this.#pending.marks < USES_MAX_MARKS) this.#pending.mark(domain, { lastUsedAt });
  }

  deferRefresh(domain: string, refreshAt: number): void {
    this.#pending.mark(domain, { refreshAt });
  }

  remove(domain: string): void {
    const remove = (file: CacheFile) => file.transaction(() => file.remove(domain));
    if (this.#keeper.write(remove)) this.#pending.forget(domain);
    else this.#pending.remove(domain);
  }

  getFailure(domain: string): StoredFailure | undefined {
    const pending = this.#pending.getFailure(domain);
    if (pending !== undefined) return pending ?? undefined;
    return this.#read((file) => file.getFailure(domain));
  }

  putFailure(failure: StoredFailure): void {
    if (!isFailure(failure)) return this.#badRows.note("failures");
    this.#pending.putFailure(failure);
    this.#writeGroup();
  }

  clearFailure(domain: string): void {
    this.#pending.clearFailure(domain);
    this.#writeGroup();
  }

  getMx(nextHop: string): StoredMx | undefined {
    const pending = this.#pending.getMx(nextHop);
    if (pending !== undefined) return pending ?? undefined;
    return this.#read((file) => file.getMx(nextHop));
  }

  hidesMx(nextHop: string): boolean {
    if (this.#pending.getMx(nextHop) !== undefined) return false;
    return this.#keeper.read((file) => file.getMx(nextHop)).kind === "unavailable";
  }

  putMx(mx: StoredMx): void {
    if (!isMx(mx)) return this.#badRows.note("mx");
    if (!this.#keeper.write((file) => file.putMx(mx))) this.#pending.putMx(mx);
  }

  onNews(listener: (news: StoreNews) => void): () => void {
    return this.#news.subscribe(listener);
  }

  listPolicies(query: ListQuery): Listing<StoredPolicy> {
    return this.#lists.policies(query);
  }

  listFailures(query: ListQuery): Listing<StoredFailure> {
    return this.#lists.failures(query);
  }

  listPage(query: PageQuery): StoredPolicy[] {
    return this.#lists.page(query);
  }

  listDue(query: DueQuery): string[] {
    // Writes the marks, so that as a rule nothing is pending and the file knows best.
    this.flush();
    return this.#lists.due(query);
  }

  count(): number {
    return this.#lists.count(this.#now());
  }

  countHeldOff(now: number): number {
    // So that as a rule none counts twice.
    this.#writeResults();
    return this.#lists.countHeldOff(now);
  }

  latestFailures(limit: number): StoredFailure[] {
    this.#writeResults();
    return this.#lists.latestFailures(limit);
  }

  oldestFetch(usedSince: number): number | undefined {
    return this.#lists.oldestFetch(usedSince);
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

  pendingOctets(): number {
    return this.#pending.octets;
  }

  health(): StoreHealth {
    const { error } = this.#keeper;
    return error === undefined ? { kind: "ok" } : { kind: "degraded", error };
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

  /** What the file holds, if that can be read: where a gap does no harm. */
  #read<T>(action: (file: CacheFile) => T): T | undefined {
    const reading = this.#keeper.read(action);
    return reading.kind === "read" ? reading.value : undefined;
  }

  /** Writes the results when they make up a group. */
  #writeGroup(): void {
    if (this.#pending.results >= RESULTS_IN_GROUP) this.#writeResults();
  }

  #writeResults(): void {
    if (this.#pending.results === 0) return;
    const write = (file: CacheFile) => file.transaction(() => this.#pending.writeResultsTo(file));
    if (this.#keeper.write(write)) this.#pending.clearResults();
  }

  #settle(): void {
    const hasWrites = this.#pending.size > 0 || this.#isClosed;
    if (!this.#keeper.settle(hasWrites ? (file) => this.#pending.writeTo(file) : undefined)) return;
    this.#pending.clear();
    this.#saidDropped = false;
  }

  #noteDropped(dropped: Dropped): void {
    this.#errors.cell("dropped").value++;
    // The rest is learned again.
    if (dropped !== "policies" || this.#saidDropped) return;
    this.#log.warn("policies dropped, no room in memory while the cache file is unusable");
    this.#saidDropped = true;
  }
}
