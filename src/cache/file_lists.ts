/**
 * Lists and counts of an opened cache file. Every method throws what SQLite throws.
 *
 * @module
 */

import type { SQLInputValue } from "node:sqlite";
import { pageStatement } from "./page.ts";
import { isTime, readListing } from "./rows.ts";
import * as sql from "./statements.ts";
import type {
  DueQuery,
  Listing,
  ListQuery,
  PageQuery,
  StoredFailure,
  StoredPolicy,
} from "./types.ts";

/** Up to so many policies are counted whenever that is asked for, which takes half a millisecond. */
const COUNT_ALWAYS_ROWS = 50_000;

/** A larger number, which takes 15 ms per million to find, is kept for so long, ms. */
const COUNT_KEPT_MS = 10 * 60_000;

/** What {@link FileLists} reads with. */
export interface ListSource {
  /** Runs a query of constant text. */
  readonly all: (text: string, ...values: SQLInputValue[]) => Record<string, unknown>[];
  /** The policies of these rows that can be believed. */
  readonly policiesOf: (rows: Record<string, unknown>[]) => StoredPolicy[];
  /** The failure of a row, if it can be believed. */
  readonly failureOf: (row: Record<string, unknown>) => StoredFailure | undefined;
}

/** The lists of one file. */
export class FileLists {
  readonly #all: ListSource["all"];
  readonly #policiesOf: ListSource["policiesOf"];
  readonly #failureOf: ListSource["failureOf"];
  #counted = { rows: 0, at: 0 };

  /** Reads nothing yet. @param source The file. */
  constructor({ all, policiesOf, failureOf }: ListSource) {
    this.#all = all;
    this.#policiesOf = policiesOf;
    this.#failureOf = failureOf;
  }

  /** See `PolicyLists.listPolicies`. */
  policies({ after, limit }: ListQuery): Listing<StoredPolicy> {
    const rows = this.#all(sql.LIST_POLICIES, after, limit);
    return readListing(rows, { limit, read: (row) => this.#policiesOf([row])[0] });
  }

  /** See `PolicyLists.listFailures`. */
  failures({ after, limit }: ListQuery): Listing<StoredFailure> {
    const rows = this.#all(sql.LIST_FAILURES, after, limit);
    return readListing(rows, { limit, read: this.#failureOf });
  }

  /** See `PolicyLists.listPage`. */
  page(query: PageQuery): StoredPolicy[] {
    return this.#policiesOf(this.#all(...pageStatement(query)));
  }

  /** See `PolicyLists.listDue`. */
  due({ due, alive, farthest, usedSince, limit }: DueQuery): string[] {
    const rows = this.#all(sql.LIST_DUE, due, usedSince, alive, limit);
    const room = limit - rows.length;
    if (room > 0) rows.push(...this.#all(sql.LIST_FAR, farthest, usedSince, alive, room));
    return rows.map(({ domain }) => domain).filter((domain) => typeof domain === "string");
  }

  /** Whether there is a policy of the domain. */
  has(domain: string): boolean {
    return this.#all(sql.HAS_POLICY, domain).length > 0;
  }

  /** Number of policies at `now`, ms; of many, as it was a few minutes before. */
  count(now: number): number {
    const { rows, at } = this.#counted;
    if (rows > COUNT_ALWAYS_ROWS && now - at < COUNT_KEPT_MS) return rows;
    this.#counted = { rows: Number(this.#all(sql.COUNT_POLICIES)[0]?.rows), at: now };
    return this.#counted.rows;
  }

  /** See `PolicyLists.countHeldOff`. */
  countHeldOff(now: number): number {
    return Number(this.#all(sql.COUNT_HELD_OFF, now)[0]?.rows);
  }

  /** See `PolicyLists.oldestFetch`. */
  oldestFetch(usedSince: number): number | undefined {
    const fetchedAt = this.#all(sql.OLDEST_FETCH, usedSince)[0]?.fetchedAt;
    return isTime(fetchedAt) ? fetchedAt : undefined;
  }
}
