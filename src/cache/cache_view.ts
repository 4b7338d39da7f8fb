/**
 * A cache file to look at, while a daemon may be using it: it writes, creates, repairs and
 * renames nothing.
 *
 * @module
 */

import type { SQLInputValue, StatementSync } from "node:sqlite";
import { messageOf } from "../base/error_text.ts";
import { faultKind, FileFault } from "../sqlite/fault.ts";
import { requireKnown } from "../sqlite/format.ts";
import { openReadOnly, type ReadOnlyDatabase } from "../sqlite/read_only.ts";
import {
  domainOfNextHop,
  isMx,
  mxAt,
  readFailureColumns,
  readListing,
  readPolicyColumns,
} from "./rows.ts";
import { CACHE_FORMAT } from "./schema.ts";
import * as sql from "./statements.ts";
import type {
  DomainNotes,
  Listing,
  ListQuery,
  StoredFailure,
  StoredMx,
  StoredPolicy,
} from "./types.ts";

/** How long to wait for a lock of the daemon, ms; it holds one for milliseconds. */
const BUSY_TIMEOUT_MS = 200;

/** Options of {@link CacheView}. */
export interface CacheViewOptions {
  /** The time, ms: nothing in the file counts as later. */
  readonly now: () => number;
}

/** What to do about the faults that a reader meets. */
const ADVICE: Readonly<Record<string, string>> = {
  busy: "another program holds a lock on it",
  corrupt: "it is damaged, which a running daemon repairs",
  open: "run this as the user of the service, or as root",
};

/**
 * An opened file. A row that cannot be believed counts as absent. Every method throws a
 * {@link FileFault} with one line for the operator.
 */
export class CacheView implements DomainNotes {
  readonly #path: string;
  readonly #now: () => number;
  readonly #file: ReadOnlyDatabase;
  /** By their constant texts. */
  readonly #statements = new Map<string, StatementSync>();
  /** A file without tables, which a daemon is about to fill. */
  readonly #isEmpty: boolean;

  /** Opens the file. */
  constructor(path: string, { now }: CacheViewOptions) {
    this.#path = path;
    this.#now = now;
    this.#file = this.#attempt(() => openReadOnly(path, { timeout: BUSY_TIMEOUT_MS }));
    try {
      const find = () => requireKnown(this.#file.database, { path, format: CACHE_FORMAT });
      this.#isEmpty = this.#attempt(find) === 0;
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** The policy of a domain. */
  getPolicy(domain: string): StoredPolicy | undefined {
    const [row] = this.#all(sql.GET_POLICY, domain);
    return row && readPolicyColumns(row, this.#now());
  }

  getFailure(domain: string): StoredFailure | undefined {
    const [row] = this.#all(sql.GET_FAILURE, domain);
    return row && readFailureColumns(row, this.#now());
  }

  getMx(nextHop: string): StoredMx | undefined {
    const [{ rowid: _, ...mx } = {}] = this.#all(sql.GET_MX, domainOfNextHop(nextHop), nextHop);
    const row = mx as unknown as StoredMx;
    return isMx(row) ? mxAt(row, this.#now()) : undefined;
  }

  /** See `PolicyLists.listPolicies`. */
  listPolicies({ after, limit }: ListQuery): Listing<StoredPolicy> {
    const read = (row: Record<string, unknown>) => readPolicyColumns(row, this.#now());
    return readListing(this.#all(sql.LIST_POLICIES, after, limit), { limit, read });
  }

  /** See `PolicyLists.listFailures`. */
  listFailures({ after, limit }: ListQuery): Listing<StoredFailure> {
    const read = (row: Record<string, unknown>) => readFailureColumns(row, this.#now());
    return readListing(this.#all(sql.LIST_FAILURES, after, limit), { limit, read });
  }

  /** Ends the use of the file. */
  close(): void {
    this.#file.close();
  }

  #all(text: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    if (this.#isEmpty) return [];
    return this.#attempt(() => {
      // A listing asks the same few questions for each row.
      let statement = this.#statements.get(text);
      if (statement === undefined) {
        statement = this.#file.database.prepare(text);
        this.#statements.set(text, statement);
      }
      return statement.all(...values);
    });
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
