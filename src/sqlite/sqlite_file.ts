/**
 * One opened file, whatever its tables: prepared statements, changes that are tried first and counted,
 * the checkpoint of the WAL, and whether the path still leads here.
 *
 * Every method throws what SQLite throws, unless it says otherwise (`fault.ts` has the words for it); to
 * keep the daemon going all the same is the business of `file_keeper.ts`.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { type FileIdentity, identify, prepareFile, removeCompanions, walOf } from "./file_path.ts";
import { type FileFormat, prepareDatabase } from "./format.ts";
import { transaction } from "./transaction.ts";
import { WriteCheck } from "./write_check.ts";

/** How long a write waits for another process's unless an option says otherwise, ms: no answer waits longer. */
const BUSY_TIMEOUT_MS = 20;

/** Writes after which the WAL is copied to the file: 4 to 6 MB, a few milliseconds. */
const CHECKPOINT_WRITES = 200;

/** The WAL is copied at least this often, ms; a power cut loses what was written since. */
const CHECKPOINT_MS = 60_000;

/** Copies what it can without waiting for anyone. */
const CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)";

const EMPTY_CACHE = "PRAGMA shrink_memory";

/** A read of one page, the first. */
const READ_LITTLE = "PRAGMA user_version";

/** How {@link SqliteFile} is opened. */
export interface SqliteFileOptions {
  /** What it must be, or become if it is empty. */
  readonly format: FileFormat;
  /** The process's time, ms. */
  readonly now: () => number;
  /** The file grows to this many octets at most. */
  readonly maxFileOctets: number;
  /** Leaves out the checks of owner and mode. */
  readonly allowUnsafeDirectory: boolean;
  /** How long a write waits for another process's, ms; the event loop waits with it. @default {20} */
  readonly busyTimeout?: number;
}

/** An opened file. */
export class SqliteFile {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #identity: FileIdentity | undefined;
  readonly #walIdentity: FileIdentity | undefined;
  readonly #writeCheck: WriteCheck;
  readonly #statements = new Map<string, StatementSync>();
  #checkpointedAt: number;
  #writes = 0;

  /**
   * Opens the file, creating it if there is none.
   *
   * @throws {FileFault} If it is not to be trusted, not ours, or from a later version.
   * @throws {Error} What SQLite or the system says.
   */
  constructor(path: string, options: SqliteFileOptions) {
    prepareFile(path, { allowUnsafe: options.allowUnsafeDirectory });
    this.#path = path;
    this.#writeCheck = new WriteCheck(path);
    this.#checkpointedAt = options.now();
    this.#database = new DatabaseSync(path, { timeout: options.busyTimeout ?? BUSY_TIMEOUT_MS });
    try {
      prepareDatabase(this.#database, { path, ...options });
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#identity = identify(path);
    this.#walIdentity = identify(walOf(path));
  }

  /** Whether the path no longer leads to this file: removed, renamed or replaced. Does not throw. */
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

  /** Whether the other handle is open on the same file. Does not throw. */
  isSameAs(other: SqliteFile): boolean {
    return isSame(this.#identity, other.#identity);
  }

  /**
   * Copies the WAL to the file when there is much in it or much time has passed, and empties the page
   * cache: what is read next comes from the disk, so damage there does not stay unseen for long.
   */
  checkpoint(now: number): void {
    const isDue = this.#writes >= CHECKPOINT_WRITES || now - this.#checkpointedAt >= CHECKPOINT_MS;
    if (this.#writes === 0 || !isDue) return;
    this.#writeCheck.requireWritable();
    this.prepare(CHECKPOINT).all();
    this.prepare(EMPTY_CACHE).all();
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
    this.prepare(READ_LITTLE).get();
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

  /** The prepared statement of a constant text. */
  protected prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Runs a statement that changes the file. @returns Number of rows changed. */
  protected run(text: string, ...values: SQLInputValue[]): number {
    this.#writes++;
    return Number(this.prepare(text).run(...values).changes);
  }
}

function isSame(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}
