/**
 * One opened cache file: what the store asks and changes, as prepared statements.
 *
 * Every method throws what SQLite throws (`sqlite/fault.ts` has the words for it); to keep the daemon
 * going all the same is the business of `file_keeper.ts`. A row that cannot be believed counts as
 * absent and is deleted, so that it does not stand in the way of its successor.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type FileIdentity,
  identify,
  prepareFile,
  removeCompanions,
  walOf,
} from "../sqlite/file_path.ts";
import { pageStatement } from "./page.ts";
import type { Mark, WriteTarget } from "./pending_writes.ts";
import {
  domainOf,
  failureAt,
  FUTURE_MS,
  isFailure,
  isMx,
  isPolicyRow,
  isTime,
  mxAt,
  readPolicyColumns,
  TIME_MAX_MS,
} from "./rows.ts";
import { salvageRows } from "../sqlite/salvage.ts";
import { prepareSchema } from "./schema.ts";
import * as sql from "./statements.ts";
import type { DueQuery, PageQuery, StoredFailure, StoredMx, StoredPolicy } from "./types.ts";
import { transaction } from "../sqlite/transaction.ts";
import { WriteCheck } from "../sqlite/write_check.ts";

/** How long a write waits for another process's, ms. The event loop waits with it. */
const BUSY_TIMEOUT_MS = 20;

/** Writes after which the WAL is copied to the file: 4 to 6 MB, a few milliseconds. */
const CHECKPOINT_WRITES = 200;

/** The WAL is copied at least this often, ms; a power cut loses what was written since. */
const CHECKPOINT_MS = 60_000;

/** Rows of a table that one prune deletes, one or two milliseconds; the rest goes at the next. */
const PRUNE_ROWS = 100;

/** A failure is kept this long after its retry time, ms, so that failures in a row are counted. */
const FAILURE_KEEP_MS = 24 * 3600 * 1000;

/** What is known of a next hop is kept this long, ms; it stands in for failing lookups for a day. */
const MX_KEEP_MS = 7 * 24 * 3600 * 1000;

/** Up to so many policies are counted whenever that is asked for, which takes half a millisecond. */
const COUNT_ALWAYS_ROWS = 50_000;

/** A larger number, which takes 15 ms per million to find, is kept for so long, ms. */
const COUNT_KEPT_MS = 10 * 60_000;

/** How {@link CacheFile} is opened. */
export interface CacheFileOptions {
  /** The process's time, ms. */
  readonly now: () => number;
  readonly maxFileOctets: number;
  /** Leaves out the checks of owner and mode. */
  readonly allowUnsafeDirectory: boolean;
  /** Told of each row that is not believed. */
  readonly onBadRow: (table: Table) => void;
}

/** A table with rows that are checked. */
export type Table = "policies" | "failures" | "mx";

/** Where a page of a listing ends. */
export interface Cursor {
  readonly fetchedAt: number;
  readonly rowid: number;
}

/** Before the first page. */
export const LIST_START: Cursor = { fetchedAt: -Infinity, rowid: 0 };

/** A page of a listing; `next` is missing after the last one. */
export interface Page {
  readonly policies: StoredPolicy[];
  readonly next: Cursor | undefined;
}

type Row<T> = { readonly [Column in keyof T]: unknown } & { readonly rowid: number };

/** An opened cache file. */
export class CacheFile implements WriteTarget {
  readonly #path: string;
  readonly #now: () => number;
  readonly #database: DatabaseSync;
  readonly #identity: FileIdentity | undefined;
  readonly #walIdentity: FileIdentity | undefined;
  readonly #onBadRow: (table: Table) => void;
  readonly #writeCheck: WriteCheck;
  readonly #statements = new Map<string, StatementSync>();
  readonly #encoder = new TextEncoder();
  #checkpointedAt: number;
  #writes = 0;
  #counted = { rows: 0, at: 0 };

  /**
   * Opens the file, creating it if there is none.
   *
   * @throws {FileFault} If it is not to be trusted, not ours, or from a later version.
   * @throws {Error} What SQLite or the system says.
   */
  constructor(path: string, options: CacheFileOptions) {
    prepareFile(path, { allowUnsafe: options.allowUnsafeDirectory });
    this.#path = path;
    this.#onBadRow = options.onBadRow;
    this.#writeCheck = new WriteCheck(path);
    this.#now = options.now;
    this.#checkpointedAt = options.now();
    this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      prepareSchema(this.#database, { path, ...options });
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#identity = identify(path);
    this.#walIdentity = identify(walOf(path));
  }

  /** Whether the path no longer leads to this file: removed, renamed or replaced. */
  hasMoved(): boolean {
    return !isSame(this.#identity, identify(this.#path));
  }

  /**
   * Takes the names of WAL and index away from a file that has moved, so that they are not taken
   * for those of the file now at the path. This handle goes on using them.
   */
  abandonCompanions(): void {
    if (isSame(this.#walIdentity, identify(walOf(this.#path)))) removeCompanions(this.#path);
  }

  /** Whether the other handle is open on the same file. */
  isSameAs(other: CacheFile): boolean {
    return isSame(this.#identity, other.#identity);
  }

  getPolicy(domain: string): StoredPolicy | undefined {
    return this.#policiesOf(this.#prepare(sql.GET_POLICY).all(domain))[0];
  }

  /** Stores a policy unless a newer one is there; one with odd times counts as a bad row. */
  putPolicy(policy: StoredPolicy): void {
    if (!isPolicyRow(policy)) return this.#onBadRow("policies");
    const { domain, id, text, fetchedAt, lastUsedAt, refreshAt, expiresAt } = policy;
    const octets = this.#encoder.encode(text);
    const times = [fetchedAt, lastUsedAt, refreshAt, expiresAt, this.#now() + FUTURE_MS];
    this.#run(sql.PUT_POLICY, domain, id, octets, ...times);
  }

  markPolicy(domain: string, { lastUsedAt, refreshAt }: Mark): void {
    this.#run(sql.MARK_POLICY, lastUsedAt ?? null, refreshAt ?? null, domain);
  }

  /** Deletes policy, failure and next hops of a domain. */
  remove(domain: string): void {
    for (const table of ["policies", "failures", "mx"] satisfies Table[]) {
      this.#run(`DELETE FROM ${table} WHERE domain = ?`, domain);
    }
  }

  getFailure(domain: string): StoredFailure | undefined {
    const row = this.#prepare(sql.GET_FAILURE).get(domain) as Row<StoredFailure> | undefined;
    if (row === undefined) return undefined;
    const { rowid, ...failure } = row;
    if (!isFailure(failure)) return this.#deleteBad("failures", rowid);
    return failureAt(failure, this.#now());
  }

  putFailure(failure: StoredFailure): void {
    if (!isFailure(failure)) return this.#onBadRow("failures");
    const { domain, id, reason, detail, count, failedAt, retryAt } = failure;
    this.#run(sql.PUT_FAILURE, domain, id, reason, detail, count, failedAt, retryAt);
  }

  clearFailure(domain: string): void {
    this.#run(sql.CLEAR_FAILURE, domain);
  }

  getMx(nextHop: string): StoredMx | undefined {
    const found = this.#prepare(sql.GET_MX).get(domainOf(nextHop), nextHop);
    if (found === undefined) return undefined;
    const { rowid, ...mx } = found as Row<StoredMx>;
    return isMx(mx) ? mxAt(mx, this.#now()) : this.#deleteBad("mx", rowid);
  }

  putMx(mx: StoredMx): void {
    if (!isMx(mx)) return this.#onBadRow("mx");
    this.#run(sql.PUT_MX, domainOf(mx.nextHop), mx.nextHop, mx.json, mx.checkedAt);
  }

  /** At most `limit` policies behind the cursor, oldest fetch first. */
  listPolicies({ fetchedAt, rowid }: Cursor, limit: number): Page {
    const rows = this.#prepare(sql.LIST_POLICIES).all(fetchedAt, rowid, limit);
    return { policies: this.#policiesOf(rows), next: rows.at(-1) as Cursor | undefined };
  }

  /** See `PolicyLists.listPage`. */
  listPage(query: PageQuery): StoredPolicy[] {
    const [text, ...values] = pageStatement(query);
    return this.#policiesOf(this.#prepare(text).all(...values));
  }

  /** See `PolicyLists.listDue`. */
  listDue({ due, alive, farthest, usedSince, limit }: DueQuery): string[] {
    const rows = this.#prepare(sql.LIST_DUE).all(due, usedSince, alive, limit);
    const room = limit - rows.length;
    if (room > 0) rows.push(...this.#prepare(sql.LIST_FAR).all(farthest, usedSince, alive, room));
    return rows.map(({ domain }) => domain).filter((domain) => typeof domain === "string");
  }

  /**
   * All policies that can be read, for another file to take over. From a damaged file these are
   * those before the first and behind the last damaged page, in the order they were stored.
   */
  *salvage(): IterableIterator<StoredPolicy> {
    const all = (text: string, ...values: SQLInputValue[]) => this.#prepare(text).all(...values);
    for (const row of salvageRows(all)) {
      const policy = this.#read(row);
      if (policy !== undefined) yield policy;
    }
  }

  /**
   * What goes with a policy that is taken over: without the MX hosts known from before, an outage of DNS
   * would make the fresh file answer less than the old one. Of a damaged file, what can be read.
   */
  salvageCompanions(domain: string): { failure: StoredFailure | undefined; mx: StoredMx[] } {
    const failure = unlessDamaged(() => this.getFailure(domain));
    const rows = unlessDamaged(() => this.#prepare(sql.LIST_MX).all(domain)) ?? [];
    return { failure, mx: (rows as unknown as StoredMx[]).filter(isMx) };
  }

  has(domain: string): boolean {
    return this.#prepare(sql.HAS_POLICY).get(domain) !== undefined;
  }

  /** Number of policies at `now`, ms; of many, as it was a few minutes before. */
  count(now: number): number {
    const { rows, at } = this.#counted;
    if (rows > COUNT_ALWAYS_ROWS && now - at < COUNT_KEPT_MS) return rows;
    this.#counted = { rows: Number(this.#prepare(sql.COUNT_POLICIES).get()?.rows), at: now };
    return this.#counted.rows;
  }

  /** See `PolicyLists.countHeldOff`. */
  countHeldOff(now: number): number {
    return Number(this.#prepare(sql.COUNT_HELD_OFF).get(now)?.rows);
  }

  /** See `PolicyLists.oldestFetch`. */
  oldestFetch(usedSince: number): number | undefined {
    const fetchedAt = this.#prepare(sql.OLDEST_FETCH).get(usedSince)?.fetchedAt;
    return isTime(fetchedAt) ? fetchedAt : undefined;
  }

  /** See `StoreCare.prune`. @returns Number of rows deleted. */
  prune(now: number): number {
    const rows = this.#pruneTable("policies", "expires_at", now) +
      this.#pruneTable("failures", "retry_at", now - FAILURE_KEEP_MS) +
      this.#pruneTable("mx", "checked_at", now - MX_KEEP_MS);
    this.#prepare(sql.VACUUM).all();
    return rows;
  }

  /** Notes the time, ms: no later process on this file begins before it. */
  noteTime(time: number): void {
    this.#run(sql.NOTE_TIME, time, TIME_MAX_MS);
  }

  /** The latest time noted, ms; `undefined` if there is none that can be believed. */
  lastSeen(): number | undefined {
    const lastSeen = this.#prepare(sql.LAST_SEEN).get()?.last_seen;
    return isTime(lastSeen) && lastSeen > 0 ? lastSeen : undefined;
  }

  /**
   * Copies the WAL to the file when there is much in it or much time has passed, and empties the page
   * cache: what is read next comes from the disk, so damage there does not stay unseen for long.
   */
  checkpoint(now: number): void {
    const isDue = this.#writes >= CHECKPOINT_WRITES || now - this.#checkpointedAt >= CHECKPOINT_MS;
    if (this.#writes === 0 || !isDue) return;
    this.#writeCheck.requireWritable();
    this.#prepare(sql.CHECKPOINT).all();
    this.#prepare(sql.EMPTY_CACHE).all();
    this.#writes = 0;
    this.#checkpointedAt = now;
  }

  /**
   * Runs `action`, which changes the file; all changes are to be made by way of this.
   *
   * @throws {FileFault} Of kind `readonly`; see {@link WriteCheck}.
   * @throws {Error} What `action` throws, or SQLite.
   */
  write(action: () => void): void {
    this.#writeCheck.requireWritable();
    action();
    // The first read after a write notes in the index how far it has read: better while that can be done.
    this.#prepare(sql.LAST_SEEN).get();
  }

  /** Runs `action` in one write transaction. @throws {Error} What it throws, or SQLite. */
  transaction<T>(action: () => T): T {
    return transaction(this.#database, action);
  }

  /** Ends the use of the file. Does not throw. */
  close(): void {
    this.#statements.clear();
    this.#writeCheck.close();
    try {
      this.#database.close();
    } catch {
      // What was committed is in the WAL; the next opening finds it there.
    }
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #run(text: string, ...values: SQLInputValue[]): number {
    this.#writes++;
    return Number(this.#prepare(text).run(...values).changes);
  }

  #pruneTable(table: Table, column: string, before: number): number {
    return this.#run(
      `DELETE FROM ${table} WHERE rowid IN
        (SELECT rowid FROM ${table} WHERE ${column} <= ? ORDER BY ${column} LIMIT ?)`,
      before,
      PRUNE_ROWS,
    );
  }

  #policiesOf(rows: unknown[]): StoredPolicy[] {
    const policies: StoredPolicy[] = [];
    for (const row of rows as Row<StoredPolicy>[]) {
      const policy = this.#read(row);
      if (policy !== undefined) policies.push(policy);
      else this.#deleteBad("policies", row.rowid);
    }
    return policies;
  }

  #read(row: Record<string, unknown>): StoredPolicy | undefined {
    return readPolicyColumns(row, this.#now());
  }

  #deleteBad(table: Table, rowid: number): undefined {
    this.#onBadRow(table);
    try {
      this.write(() => this.#run(`DELETE FROM ${table} WHERE rowid = ?`, rowid));
    } catch {
      // It stays, and counts as absent.
    }
  }
}

function isSame(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
