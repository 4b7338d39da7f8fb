/**
 * The store without a file, for `cache: memory`: bounded, gone with the process.
 *
 * Without a file the bound has to drop something when it is reached, valid policies included; those
 * that are in use stay longest.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import { policyOctets as octetsOfPolicy } from "../sts/policy.ts";
import { News } from "./news.ts";
import { selectPage } from "./page.ts";
import { domainOfNextHop, selectDue, selectLatest, selectListing } from "./rows.ts";
import type {
  DueQuery,
  Listing,
  ListQuery,
  PageQuery,
  PolicyLookup,
  PolicyStore,
  StoredFailure,
  StoredMx,
  StoredPolicy,
  StoreHealth,
  StoreNews,
} from "./types.ts";

/** Bounds of the store. */
export interface MemoryStoreOptions {
  /** Policies, failures and next hops held at most, each. */
  readonly maxEntries: number;
  /** What policies may take, octets. @default {Infinity} */
  readonly policyOctets?: number;
  /** What is known of next hops, and failures, may take, octets each. @default {Infinity} */
  readonly mxOctets?: number;
}

/** What an entry takes beside its text, octets. */
const ENTRY_OCTETS = 300;

/** Creates the store. */
export function createMemoryStore(options: MemoryStoreOptions): PolicyStore {
  return new MemoryStore(options);
}

class MemoryStore implements PolicyStore {
  readonly #policies: GenerationalMap<StoredPolicy>;
  readonly #failures: GenerationalMap<StoredFailure>;
  readonly #mx: GenerationalMap<StoredMx>;
  readonly #news = new News();

  constructor({ maxEntries, policyOctets = Infinity, mxOctets = Infinity }: MemoryStoreOptions) {
    this.#policies = new GenerationalMap(maxEntries, {
      octets: policyOctets,
      octetsOf: (policy) => ENTRY_OCTETS + octetsOfPolicy(policy),
    });
    this.#failures = new GenerationalMap(maxEntries, {
      octets: mxOctets,
      octetsOf: ({ detail }) => ENTRY_OCTETS + detail.length,
    });
    this.#mx = new GenerationalMap(maxEntries, {
      octets: mxOctets,
      octetsOf: ({ json }) => ENTRY_OCTETS + json.length,
    });
  }

  getPolicy(domain: string): PolicyLookup {
    const policy = this.#policies.get(domain);
    return policy === undefined ? { kind: "absent" } : { kind: "found", policy };
  }

  putPolicy(policy: StoredPolicy): void {
    this.#policies.set(policy.domain, policy);
    this.#news.tell({ kind: "stored", policy });
  }

  touchPolicy(domain: string, lastUsedAt: number): void {
    this.#change(domain, { lastUsedAt });
  }

  deferRefresh(domain: string, refreshAt: number): void {
    this.#change(domain, { refreshAt });
  }

  remove(domain: string): void {
    this.#policies.delete(domain);
    this.#failures.delete(domain);
    this.#dropMx(({ nextHop }) => domainOfNextHop(nextHop) === domain);
  }

  getFailure(domain: string): StoredFailure | undefined {
    return this.#failures.get(domain);
  }

  putFailure(failure: StoredFailure): void {
    this.#failures.set(failure.domain, failure);
  }

  clearFailure(domain: string): void {
    this.#failures.delete(domain);
  }

  getMx(nextHop: string): StoredMx | undefined {
    return this.#mx.get(nextHop);
  }

  hidesMx(): boolean {
    return false;
  }

  putMx(mx: StoredMx): void {
    this.#mx.set(mx.nextHop, mx);
  }

  listPolicies(query: ListQuery): Listing<StoredPolicy> {
    return selectListing(this.#policies.values(), query);
  }

  listFailures(query: ListQuery): Listing<StoredFailure> {
    return selectListing(this.#failures.values(), query);
  }

  listPage(query: PageQuery): StoredPolicy[] {
    return selectPage(this.#policies.values(), query);
  }

  listDue(query: DueQuery): string[] {
    return selectDue(this.#all(), query);
  }

  count(): number {
    return this.#policies.size;
  }

  countHeldOff(now: number): number {
    let count = 0;
    for (const { retryAt } of this.#failures.values()) if (retryAt > now) count++;
    return count;
  }

  latestFailures(limit: number): StoredFailure[] {
    return selectLatest([...this.#failures.values()], limit);
  }

  oldestFetch(usedSince: number): number | undefined {
    let oldest: number | undefined;
    for (const { fetchedAt, lastUsedAt } of this.#policies.values()) {
      if (lastUsedAt >= usedSince && fetchedAt < (oldest ?? Infinity)) oldest = fetchedAt;
    }
    return oldest;
  }

  /** Drops expired policies; what else is old goes by itself when room is needed. */
  prune(now: number): number {
    const expired = [...this.#policies.values()].filter(({ expiresAt }) => expiresAt <= now);
    for (const { domain } of expired) this.#policies.delete(domain);
    return expired.length;
  }

  onNews(listener: (news: StoreNews) => void): () => void {
    return this.#news.subscribe(listener);
  }

  flush(): void {}

  health(): StoreHealth {
    return { kind: "memory", why: "configured" };
  }

  pendingOctets(): number {
    return 0;
  }

  close(): void {}

  #all(): StoredPolicy[] {
    return [...this.#policies.values()];
  }

  #change(domain: string, change: Partial<StoredPolicy>): void {
    const known = this.#policies.get(domain);
    if (known === undefined) return;
    this.#policies.set(domain, { ...known, ...change });
  }

  #dropMx(matches: (mx: StoredMx) => boolean): void {
    for (const mx of [...this.#mx.values()]) if (matches(mx)) this.#mx.delete(mx.nextHop);
  }
}
