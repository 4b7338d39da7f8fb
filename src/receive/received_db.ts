/**
 * One opened file of received reports: what the store asks and changes, as prepared statements.
 *
 * Every method throws what SQLite throws (`sqlite/fault.ts` has the words for it); keeping the daemon running is the
 * job of `sqlite/file_keeper.ts`. What is read is checked in `rows.ts`.
 *
 * @module
 */

import { SqliteFile, type SqliteFileOptions } from "../sqlite/sqlite_file.ts";
import { numberOf } from "./rows.ts";
import { RECEIVED_FORMAT } from "./schema.ts";
import * as sql from "./statements.ts";

/**
 * How long a write waits for another process's, ms. `report import` and the daemon write to the same file, for
 * milliseconds each; neither answers mail meanwhile.
 */
const BUSY_TIMEOUT_MS = 2000;

/** Octets of the file that are left to replacements of reports that are there, when it nears its bound. */
const RESERVE_OCTETS = 4 * 1024 * 1024;

/** The part of the file beyond which reports are kept without their bodies: counts are worth more. */
const BODY_SHARE = 0.9;

const PAGE_OCTETS = 4096;

/** Distinct texts in the file: names of senders, MX hosts, reasons. 100 MB at the very most, a few MB in truth. */
export const MAX_WORDS = 200_000;

/** What a word is for: what no report can be kept without, or a detail such as an MX host; of a signed report or not. */
export type WordUse = "name" | "detail" | "unsigned-name" | "unsigned-detail";

/**
 * Up to which part of all words each use may add some. A report has hundreds of details, so they leave room for names;
 * and anybody can make up unsigned reports, so they leave half to signed ones.
 */
const SHARES: Readonly<Record<WordUse, number>> = {
  "name": 1,
  "detail": 0.75,
  "unsigned-name": 0.5,
  "unsigned-detail": 0.25,
};

/** New words after which all are counted again, since another process may have added or dropped some. */
const RECOUNT_WORDS = 1000;

/** How {@link ReceivedDb} is opened. */
export type ReceivedDbOptions = Omit<SqliteFileOptions, "format" | "busyTimeout"> & {
  /** Most words; see {@link MAX_WORDS}. */
  readonly maxWords: number;
};

/** What may be bound to a statement. */
export type Value = string | number | null | Uint8Array;

/** An opened file. */
export class ReceivedDb extends SqliteFile {
  readonly #maxOctets: number;
  readonly #maxWords: number;
  #words: number | undefined;
  #newWords = 0;

  /**
   * Opens the file, creating it if there is none.
   *
   * @throws {FileFault} If it is not to be trusted, not ours, or from a later version.
   * @throws {Error} What SQLite or the system says.
   */
  constructor(path: string, options: ReceivedDbOptions) {
    super(path, { ...options, format: RECEIVED_FORMAT, busyTimeout: BUSY_TIMEOUT_MS });
    this.#maxOctets = options.maxFileOctets;
    this.#maxWords = options.maxWords;
  }

  /** Whether only what is there may be counted, because the file nears its bound. */
  isFull(): boolean {
    return this.#octets() >= this.#maxOctets - RESERVE_OCTETS;
  }

  /** Whether there is room for the bodies of reports. */
  hasRoomForBodies(): boolean {
    return this.#octets() < (this.#maxOctets - RESERVE_OCTETS) * BODY_SHARE;
  }

  /** Runs a query for one row. */
  one(text: string, ...values: Value[]): Record<string, unknown> | undefined {
    return this.prepare(text).get(...values);
  }

  /** Runs a query. */
  all(text: string, ...values: Value[]): Record<string, unknown>[] {
    return this.prepare(text).all(...values);
  }

  /** Runs a statement that changes the file. @returns Number of rows changed. */
  change(text: string, ...values: Value[]): number {
    return this.run(text, ...values);
  }

  /** The id of a word; `undefined` if it is not there. */
  findWord(text: string): number | undefined {
    const id = this.one(sql.FIND_WORD, text)?.id;
    return typeof id === "number" ? id : undefined;
  }

  /**
   * The id of a word that rows of a day are to use; it is added if need be.
   *
   * @returns `undefined` if there is no room for it.
   */
  useWord(
    text: string,
    { day, use = "name" }: { readonly day: number; readonly use?: WordUse },
  ): number | undefined {
    const row = this.one(sql.FIND_WORD, text);
    if (row !== undefined) {
      const id = numberOf(row.id);
      if (numberOf(row.day) < day) this.change(sql.USE_WORD, id, day + sql.WORD_SLACK_DAYS);
      return id;
    }
    if (this.#countWords() >= this.#maxWords * SHARES[use]) return undefined;
    this.change(sql.ADD_WORD, text, day + sql.WORD_SLACK_DAYS);
    this.#words = this.#countWords() + 1;
    this.#newWords++;
    return this.findWord(text);
  }

  /** Notes the time, ms: a write that shows whether the file takes any. */
  noteTime(time: number): void {
    this.change(sql.NOTE_TIME, time);
  }

  /** Copies what was written to where it survives a power cut, now. */
  sync(): void {
    this.all(sql.CHECKPOINT);
  }

  /** Approximate: what other processes do meanwhile is seen later. */
  #countWords(): number {
    if (this.#words === undefined || this.#newWords >= RECOUNT_WORDS) {
      this.#words = numberOf(this.one(sql.COUNT_WORDS)?.count);
      this.#newWords = 0;
    }
    return this.#words;
  }

  /** Forgets how many words there are, because some were dropped. */
  recountWords(): void {
    this.#words = undefined;
  }

  #octets(): number {
    return numberOf(this.one(sql.PAGES)?.pages) * PAGE_OCTETS;
  }
}
