/**
 * A cache file to look at, while a daemon may be using it: it writes, creates, repairs and
 * renames nothing.
 *
 * @module
 */

import { SqliteView } from "../sqlite/sqlite_view.ts";
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

/** Options of {@link CacheView}. */
export interface CacheViewOptions {
  /** The time, ms: nothing in the file counts as later. */
  readonly now: () => number;
}

/**
 * An opened file. A row that cannot be believed counts as absent. Every method throws a
 * `FileFault` with one line for the operator.
 */
export class CacheView implements DomainNotes {
  readonly #now: () => number;
  readonly #file: SqliteView;

  /** Opens the file. */
  constructor(path: string, { now }: CacheViewOptions) {
    this.#now = now;
    this.#file = new SqliteView(path, CACHE_FORMAT);
  }

  /** The policy of a domain. */
  getPolicy(domain: string): StoredPolicy | undefined {
    const [row] = this.#file.all(sql.GET_POLICY, domain);
    return row && readPolicyColumns(row, this.#now());
  }

  getFailure(domain: string): StoredFailure | undefined {
    const [row] = this.#file.all(sql.GET_FAILURE, domain);
    return row && readFailureColumns(row, this.#now());
  }

  getMx(nextHop: string): StoredMx | undefined {
    const [{ rowid: _, ...mx } = {}] = this.#file.all(
      sql.GET_MX,
      domainOfNextHop(nextHop),
      nextHop,
    );
    const row = mx as unknown as StoredMx;
    return isMx(row) ? mxAt(row, this.#now()) : undefined;
  }

  /** See `PolicyLists.listPolicies`. */
  listPolicies({ after, limit }: ListQuery): Listing<StoredPolicy> {
    const read = (row: Record<string, unknown>) => readPolicyColumns(row, this.#now());
    return readListing(this.#file.all(sql.LIST_POLICIES, after, limit), { limit, read });
  }

  /** See `PolicyLists.listFailures`. */
  listFailures({ after, limit }: ListQuery): Listing<StoredFailure> {
    const read = (row: Record<string, unknown>) => readFailureColumns(row, this.#now());
    return readListing(this.#file.all(sql.LIST_FAILURES, after, limit), { limit, read });
  }

  /** Ends the use of the file. */
  close(): void {
    this.#file.close();
  }
}
