/**
 * A cache file to look at, while a daemon may be using it: it writes, creates, repairs and
 * renames nothing.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { messageOf } from "../base/error_text.ts";
import { walOf } from "../sqlite/file_path.ts";
import { faultKind, FileFault } from "../sqlite/fault.ts";
import { requireKnown } from "../sqlite/format.ts";
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
  readonly #database: DatabaseSync;
  /** A file without tables, which a daemon is about to fill. */
  readonly #isEmpty: boolean;

  /** Opens the file. */
  constructor(path: string, { now }: CacheViewOptions) {
    this.#path = path;
    this.#now = now;
    this.#database = this.#attempt(() => open(path));
    try {
      const find = () => requireKnown(this.#database, { path, format: CACHE_FORMAT });
      this.#isEmpty = this.#attempt(find) === 0;
    } catch (error) {
      this.#database.close();
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
    this.#database.close();
  }

  #all(text: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    if (this.#isEmpty) return [];
    return this.#attempt(() => this.#database.prepare(text).all(...values));
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

/** Opens a file of which SQLite makes no others: it would leave a WAL and an index beside it. */
function open(path: string): DatabaseSync {
  // SQLite would report a missing file as one that cannot be opened.
  Deno.statSync(path);
  const url = pathToFileURL(path);
  // Without a WAL nobody has it open, and all is in the file itself; it can then be read in a directory
  // where nothing can be written.
  if (isMissing(walOf(path))) url.searchParams.set("immutable", "1");
  return new DatabaseSync(url, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
}

function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
