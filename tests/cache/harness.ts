/**
 * A cache file in a directory of its own, with a clock, a log and counters to look at.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { createSqliteStore, type SqliteStore } from "../../src/cache/sqlite_store.ts";
import type { SqliteStoreOptions } from "../../src/cache/store_options.ts";
import type { PolicyRow } from "../../src/cache/rows.ts";
import type {
  DomainStore,
  Listing,
  ListQuery,
  StoredFailure,
  StoredPolicy,
} from "../../src/cache/types.ts";
import { expiryOf, readPolicyFile } from "../../src/sts/policy.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import type { Log } from "../../src/base/log.ts";

/** When the tests begin, ms. */
export const START = Date.UTC(2026, 0, 1);

/** One second, one day; ms. */
export const SECOND = 1000;
export const DAY = 24 * 3600 * SECOND;

/** What a test of a file works with. */
export class Bench {
  readonly directory: string = Deno.makeTempDirSync({ prefix: "cache-test-" });
  readonly path: string = `${this.directory}/cache.db`;
  /** What the log was told, as `level event`, with the fields behind. */
  readonly lines: string[] = [];
  now = START;
  readonly #stores: SqliteStore[] = [];
  readonly #metrics = createMetrics();

  /** Opens a store on the file; it is closed at the end. */
  open(options: Partial<SqliteStoreOptions> = {}): SqliteStore {
    const store = createSqliteStore({
      path: this.path,
      log: this.#log(),
      metrics: this.#metrics,
      now: () => this.now,
      ...options,
    });
    this.#stores.push(store);
    return store;
  }

  /** Opens a store, lets `fill` work on it, and closes it. */
  prepare(fill: (store: SqliteStore) => void): void {
    const store = this.open();
    fill(store);
    store.close();
    this.lines.length = 0;
  }

  /** The file as another program sees it. */
  database(path: string = this.path): DatabaseSync & Disposable {
    const database = new DatabaseSync(path);
    return Object.assign(database, { [Symbol.dispose]: () => database.close() });
  }

  /** Counted faults of one kind. */
  errors(kind: string): number {
    return this.#metrics.counter("mta_sts_store_errors_total", "", ["kind"]).cell(kind).value;
  }

  /** Log lines without their fields. */
  events(): string[] {
    return this.lines.map((line) => line.split(" {")[0] ?? "");
  }

  /** Names in the directory, sorted. */
  files(): string[] {
    return Array.from(Deno.readDirSync(this.directory), ({ name }) => name).sort();
  }

  /** Overwrites octets of the file in place. */
  damage(offset: number, length: number, path: string = this.path): void {
    using file = Deno.openSync(path, { write: true });
    file.seekSync(offset, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(length).fill(0x5a));
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) store.close();
    Deno.removeSync(this.directory, { recursive: true });
  }

  #log(): Log {
    const write = (level: string) => (event: string, fields = {}) => {
      this.lines.push(`${level} ${event} ${JSON.stringify(fields)}`);
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      enabled: () => true,
    };
  }
}

/** A policy that lives for a week. */
export function policyOf(domain: string, changes: Partial<PolicyRow> = {}): StoredPolicy {
  const row: PolicyRow = {
    domain,
    id: "20260101",
    text: textOf(604800, domain),
    fetchedAt: START,
    lastUsedAt: START,
    refreshAt: START + DAY,
    ...changes,
  };
  const file = readPolicyFile(row.text);
  return { ...row, ...file, expiresAt: expiryOf(file.policy, row.fetchedAt) };
}

/** The policy that a store has of a domain; that it cannot be read is an error. */
export function stored(store: DomainStore, domain: string): StoredPolicy | undefined {
  const found = store.getPolicy(domain);
  if (found.kind === "unavailable") throw new Error(`${domain}: ${found.reason}`);
  return found.kind === "found" ? found.policy : undefined;
}

/** Stores many policies. */
export function putAll(store: DomainStore, policies: Iterable<StoredPolicy>): void {
  for (const policy of policies) store.putPolicy(policy);
}

/** The text of a policy. @param maxAge Seconds. */
export function textOf(maxAge: number, domain: string = "example.com"): string {
  return `version: STSv1\r\nmode: enforce\r\nmx: mx.${domain}\r\nmax_age: ${maxAge}\r\n`;
}

/** A failure to be tried again after five minutes. */
export function failureOf(domain: string, changes: Partial<StoredFailure> = {}): StoredFailure {
  return {
    domain,
    id: "20260101",
    reason: "certificate-expired",
    detail: "it ended in 2025",
    count: 1,
    failedAt: START,
    retryAt: START + 300 * SECOND,
    ...changes,
  };
}

/** The domains of some policies. */
export function domainsOf(policies: Iterable<{ readonly domain: string }>): string[] {
  return Array.from(policies, ({ domain }) => domain);
}

/** All that a listing by domain gives, a part of `limit` at a time. */
export function* listed<Entry>(
  list: (query: ListQuery) => Listing<Entry>,
  limit: number = 500,
): IterableIterator<Entry> {
  let after: string | undefined = "";
  while (after !== undefined) {
    const { entries, next }: Listing<Entry> = list({ after, limit });
    yield* entries;
    after = next;
  }
}
