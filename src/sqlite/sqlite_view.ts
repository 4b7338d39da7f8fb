/**
 * A file to look at, while a daemon may be using it: it writes, creates, repairs and renames nothing.
 *
 * @module
 */

import type { SQLInputValue, StatementSync } from "node:sqlite";
import { messageOf } from "../base/error_text.ts";
import { faultKind, FileFault } from "./fault.ts";
import { type FileFormat, requireKnown } from "./format.ts";
import { openReadOnly, type ReadOnlyDatabase } from "./read_only.ts";

/** How long to wait for a lock of the daemon, ms; it holds one for milliseconds. */
const BUSY_TIMEOUT_MS = 200;

/** What to do about the faults that a reader meets. */
const ADVICE: Readonly<Record<string, string>> = {
  busy: "another program holds a lock on it",
  corrupt: "it is damaged, which a running daemon repairs",
  open: "run this as the user of the service, or as root",
};

/** An opened file. Every method throws a {@link FileFault} with one line for the operator. */
export class SqliteView {
  readonly #path: string;
  readonly #open: ReadOnlyDatabase;
  /** By their texts, which must be constant. */
  readonly #statements = new Map<string, StatementSync>();
  /** A file without tables, which a daemon is about to fill. */
  readonly #isEmpty: boolean;

  /** Opens the file. @param format What it must be. */
  constructor(path: string, format: FileFormat) {
    this.#path = path;
    this.#open = this.#attempt(() => openReadOnly(path, { timeout: BUSY_TIMEOUT_MS }));
    try {
      this.#isEmpty = this.#attempt(() =>
        requireKnown(this.#open.database, { path, format })
      ) === 0;
    } catch (error) {
      this.#open.close();
      throw error;
    }
  }

  /** Runs a query. @param text Constant: its statement is prepared once, since a listing asks the same for each row. */
  all(text: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    if (this.#isEmpty) return [];
    return this.#attempt(() => {
      let statement = this.#statements.get(text);
      if (statement === undefined) {
        statement = this.#open.database.prepare(text);
        this.#statements.set(text, statement);
      }
      return statement.all(...values);
    });
  }

  /** Runs a query for one row. */
  one(text: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.all(text, ...values)[0];
  }

  /** Ends the use of the file. */
  close(): void {
    this.#open.close();
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof FileFault) throw error;
      const kind = faultKind(error);
      const message = messageOf(error);
      const advice = ADVICE[kind] === undefined ? "" : `: ${ADVICE[kind]}`;
      throw new FileFault(kind, `cannot read ${this.#path}: ${message}${advice}`);
    }
  }
}
