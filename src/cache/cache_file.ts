/**
 * One opened cache file: what the store asks and changes, as prepared statements.
 *
 * Every method throws what SQLite throws (`sqlite/fault.ts` has the words for it); to keep the daemon
 * going all the same is the business of `sqlite/file_keeper.ts`. A row that cannot be believed counts as
 * absent and is deleted, so that it does not stand in the way of its successor.
 *
 * @module
 */

import { type ReadAll, salvageRows } from "../sqlite/salvage.ts";
import { SqliteFile, type SqliteFileOptions } from "../sqlite/sqlite_file.ts";
import { FileLists } from "./file_lists.ts";
import type { Mark, WriteTarget } from "./pending_writes.ts";
import {
  domainOfNextHop,
  FUTURE_MS,
  isFailure,
  isMx,
  isPolicyRow,
  isTime,
  mxAt,
  readFailureColumns,
  readPolicyColumns,
  TIME_MAX_MS,
} from "./rows.ts";
import { CACHE_FORMAT } from "./schema.ts";
import * as sql from "./statements.ts";
import type { StoredFailure, StoredMx, StoredPolicy } from "./types.ts";

/** Rows of a table that one prune deletes, one or two milliseconds; the rest goes at the next. */
const PRUNE_ROWS = 100;

/** A failure is kept this long after its retry time, ms, so that failures in a row are counted. */
const FAILURE_KEEP_MS = 24 * 3600 * 1000;

/** What is known of a next hop is kept this long, ms; it stands in for failing lookups for a day. */
const MX_KEEP_MS = 7 * 24 * 3600 * 1000;

/** How {@link CacheFile} is opened. */
export interface CacheFileOptions extends Omit<SqliteFileOptions, "format"> {
  /** Called for each row that is not believed. */
  readonly onBadRow: (table: Table) => void;
}

/** A table with rows that are checked. */
export type Table = "policies" | "failures" | "mx";

type Row<T> = { readonly [Column in keyof T]: unknown } & { readonly rowid: number };

/** An opened cache file. */
export class CacheFile extends SqliteFile implements WriteTarget {
  /** What lists and counts. */
  readonly lists: FileLists;
  readonly #now: () => number;
  readonly #onBadRow: (table: Table) => void;
  readonly #encoder = new TextEncoder();
  readonly #all: ReadAll = (text, ...values) => this.prepare(text).all(...values);

  /**
   * Opens the file, creating it if there is none.
   *
   * @throws {FileFault} If it is not to be trusted, not ours, or from a later version.
   * @throws {Error} What SQLite or the system says.
   */
  constructor(path: string, options: CacheFileOptions) {
    super(path, { ...options, format: CACHE_FORMAT });
    this.#now = options.now;
    this.#onBadRow = options.onBadRow;
    const policiesOf = (rows: Record<string, unknown>[]) => this.#policiesOf(rows);
    const failureOf = (row: Record<string, unknown>) => this.#failureOf(row);
    this.lists = new FileLists({ all: this.#all, policiesOf, failureOf });
  }

  /** The policy of a domain. */
  getPolicy(domain: string): StoredPolicy | undefined {
    return this.#policiesOf(this.prepare(sql.GET_POLICY).all(domain))[0];
  }

  /** Stores a policy unless a newer one is there; one with odd times counts as a bad row. */
  putPolicy(policy: StoredPolicy): void {
    if (!isPolicyRow(policy)) return this.#onBadRow("policies");
    const { domain, id, text, fetchedAt, lastUsedAt, refreshAt, expiresAt } = policy;
    const octets = this.#encoder.encode(text);
    const times = [fetchedAt, lastUsedAt, refreshAt, expiresAt, this.#now() + FUTURE_MS];
    this.run(sql.PUT_POLICY, domain, id, octets, ...times);
  }

  /** Changes the times of a policy that are given. */
  markPolicy(domain: string, { lastUsedAt, refreshAt }: Mark): void {
    this.run(sql.MARK_POLICY, lastUsedAt ?? null, refreshAt ?? null, domain);
  }

  /** Deletes policy, failure and next hops of a domain. */
  remove(domain: string): void {
    for (const table of ["policies", "failures", "mx"] satisfies Table[]) {
      this.run(`DELETE FROM ${table} WHERE domain = ?`, domain);
    }
  }

  /** The last failed fetch of a domain. */
  getFailure(domain: string): StoredFailure | undefined {
    const row = this.prepare(sql.GET_FAILURE).get(domain);
    return row && this.#failureOf(row);
  }

  /** See `PolicyLists.latestFailures`. */
  latestFailures(limit: number): StoredFailure[] {
    return this.#all(sql.LATEST_FAILURES, limit)
      .map((row) => this.#failureOf(row))
      .filter((failure) => failure !== undefined);
  }

  /** Stores a failure; one with odd columns counts as a bad row. */
  putFailure(failure: StoredFailure): void {
    if (!isFailure(failure)) return this.#onBadRow("failures");
    const { domain, id, reason, detail, count, failedAt, retryAt } = failure;
    this.run(sql.PUT_FAILURE, domain, id, reason, detail, count, failedAt, retryAt);
  }

  /** Deletes the failure of a domain. */
  clearFailure(domain: string): void {
    this.run(sql.CLEAR_FAILURE, domain);
  }

  /** What is known of a next hop. */
  getMx(nextHop: string): StoredMx | undefined {
    const found = this.prepare(sql.GET_MX).get(domainOfNextHop(nextHop), nextHop);
    if (found === undefined) return undefined;
    const { rowid, ...mx } = found as Row<StoredMx>;
    return isMx(mx) ? mxAt(mx, this.#now()) : this.#deleteBad("mx", rowid);
  }

  /** Stores what is known of a next hop; odd columns make it a bad row. */
  putMx(mx: StoredMx): void {
    if (!isMx(mx)) return this.#onBadRow("mx");
    this.run(sql.PUT_MX, domainOfNextHop(mx.nextHop), mx.nextHop, mx.json, mx.checkedAt);
  }

  /**
   * All policies that can be read, for another file to take over. From a damaged file these are
   * those before the first and behind the last damaged page, in the order they were stored.
   */
  *salvage(): IterableIterator<StoredPolicy> {
    for (const row of salvageRows(this.#all, sql.SELECT_POLICY)) {
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
    const rows = unlessDamaged(() => this.prepare(sql.LIST_MX).all(domain)) ?? [];
    return { failure, mx: (rows as unknown as StoredMx[]).filter(isMx) };
  }

  /** See `StoreCare.prune`. @returns Number of rows deleted. */
  prune(now: number): number {
    const rows = this.#pruneTable("policies", "expires_at", now) +
      this.#pruneTable("failures", "retry_at", now - FAILURE_KEEP_MS) +
      this.#pruneTable("mx", "checked_at", now - MX_KEEP_MS);
    this.prepare(sql.VACUUM).all();
    return rows;
  }

  /** Notes the time, ms: no later process on this file begins before it. */
  noteTime(time: number): void {
    this.run(sql.NOTE_TIME, time, TIME_MAX_MS);
  }

  /** The latest time noted, ms; `undefined` if there is none that can be believed. */
  lastSeen(): number | undefined {
    const lastSeen = this.prepare(sql.LAST_SEEN).get()?.last_seen;
    return isTime(lastSeen) && lastSeen > 0 ? lastSeen : undefined;
  }

  #pruneTable(table: Table, column: string, before: number): number {
    return this.run(
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

  #failureOf(row: Record<string, unknown>): StoredFailure | undefined {
    return readFailureColumns(row, this.#now()) ??
      this.#deleteBad("failures", (row as Row<StoredFailure>).rowid);
  }

  #read(row: Record<string, unknown>): StoredPolicy | undefined {
    return readPolicyColumns(row, this.#now());
  }

  #deleteBad(table: Table, rowid: number): undefined {
    this.#onBadRow(table);
    try {
      this.write(() => this.run(`DELETE FROM ${table} WHERE rowid = ?`, rowid));
    } catch {
      // It stays, and counts as absent.
    }
  }
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
