/**
 * One opened report file: what the store asks and changes, as prepared statements.
 *
 * Every method throws what SQLite throws (`sqlite/fault.ts` has the words for it); keeping the daemon
 * going all the same is the job of `sqlite/file_keeper.ts`. What is read is checked: bits rot, and others can
 * write the file.
 *
 * @module
 */

import { SqliteFile, type SqliteFileOptions } from "../sqlite/sqlite_file.ts";
import { numberOf, readInstance } from "./counted.ts";
import { REPORT_FORMAT } from "./schema.ts";
import * as sql from "./statements.ts";

/** The end of the year 2099, ms since the epoch: a later time is not believed. */
const TIME_MAX_MS = Date.UTC(2100, 0, 1);

/** Octets of the file that are left to known keys when it nears its bound. */
const RESERVE_OCTETS = 4 * 1024 * 1024;

const PAGE_OCTETS = 4096;

/** How {@link ReportFile} is opened. */
export type ReportFileOptions = Omit<SqliteFileOptions, "format">;

/** An opened report file. */
export class ReportFile extends SqliteFile {
  readonly #maxPages: number;
  #instance: Uint8Array | undefined;

  /**
   * Opens the file, creating it if there is none.
   *
   * @throws {FileFault} If it is not to be trusted, not ours, or from a later version.
   * @throws {Error} What SQLite or the system says.
   */
  constructor(path: string, options: ReportFileOptions) {
    super(path, { ...options, format: REPORT_FORMAT });
    this.#maxPages = Math.floor((options.maxFileOctets - RESERVE_OCTETS) / PAGE_OCTETS);
  }

  /** The secret of this file, by which report ids and times differ from those of all others. */
  instance(): Uint8Array {
    return this.#instance ??= readInstance(this);
  }

  /** Takes over the secret of another file. */
  setInstance(id: Uint8Array): void {
    this.change(sql.SET_INSTANCE, id);
    this.#instance = id;
  }

  /** Whether only what is there may be counted, because the file nears its bound. */
  isFull(): boolean {
    return numberOf(this.one(sql.PAGES)?.pages) >= this.#maxPages;
  }

  /** Runs a query for one row. */
  one(text: string, ...values: (string | number)[]): Record<string, unknown> | undefined {
    return this.prepare(text).get(...values);
  }

  /** Runs a query. */
  all(text: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.prepare(text).all(...values);
  }

  /** Runs a statement that changes the file. @returns Number of rows changed. */
  change(text: string, ...values: (string | number | null | Uint8Array)[]): number {
    return this.run(text, ...values);
  }

  /** Notes the time, ms: no later process on this file begins before it. */
  noteTime(time: number): void {
    this.change(sql.NOTE_TIME, time, TIME_MAX_MS);
  }

  /** The latest time noted, ms; `undefined` if there is none that can be believed. */
  lastSeen(): number | undefined {
    const time = numberOf(this.one(sql.LAST_SEEN)?.last_seen);
    return time > 0 && time < TIME_MAX_MS ? time : undefined;
  }
}
