/**
 * The store without a file, for `cache: memory`: bounded, gone with the process.
 *
 * Without a file the bound has to drop something when it is reached, valid policies included; those
 * that are in use stay longest.
 *
 * @module
 */

import { GenerationalMap } from "./generational_map.ts";
import { domainOf, expiryOf, selectDue } from "./rows.ts";
import type {
  DueQuery,
  PolicyStore,
  StoredFailure,
  StoredMx,
  StoredPolicy,
  StoreHealth,
} from "./types.ts";

/** Creates the store. @param options `maxEntries` bounds policies, failures and next hops, each. */
export function createMemoryStore({ maxEntries }: { maxEntries: number }): PolicyStore {
  return new MemoryStore(maxEntries);
}

class MemoryStore implements PolicyStore {
  readonly #policies: GenerationalMap<StoredPolicy>;
  readonly #failures: GenerationalMap<StoredFailure>;
  readonly #mx: GenerationalMap<StoredMx>;

  constructor(maxEntries: number) {
    this.#policies = new GenerationalMap(maxEntries);
    this.#failures = new GenerationalMap(maxEntries);
    this.#mx = new GenerationalMap(maxEntries);
  }

  getPolicy(domain: string): StoredPolicy | undefined {
    return this.#policies.get(domain);
  }

  putPolicy(policy: StoredPolicy): void {
    this.#policies.set(policy.domain, policy);
  }

  touchPolicy(domain: string, lastUsedAt: number): void {
    const policy = this.#policies.get(domain);
    if (policy !== undefined) this.#policies.set(domain, { ...policy, lastUsedAt });
  }

  deferRefresh(domain: string, refreshAt: number): void {
    const policy = this.#policies.get(domain);
    if (policy !== undefined) this.#policies.set(domain, { ...policy, refreshAt });
  }

  remove(domain: string): void {
    this.#policies.delete(domain);
    this.#failures.delete(domain);
    this.#dropMx(({ nextHop }) => domainOf(nextHop) === domain);
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

  putMx(mx: StoredMx): void {
    this.#mx.set(mx.nextHop, mx);
  }

  *listPolicies(): IterableIterator<StoredPolicy> {
    yield* [...this.#policies.values()].sort((one, other) => one.fetchedAt - other.fetchedAt);
  }

  listDue(query: DueQuery): StoredPolicy[] {
    return selectDue([...this.#policies.values()], query);
  }

  count(): number {
    return this.#policies.size;
  }

  /** Drops expired policies; what else is old goes by itself when room is needed. */
  prune(now: number): number {
    const expired = [...this.#policies.values()].filter((one) => (expiryOf(one) ?? 0) <= now);
    for (const { domain } of expired) this.#policies.delete(domain);
    return expired.length;
  }

  flush(): void {}

  health(): StoreHealth {
    return { kind: "memory", why: "configured" };
  }

  close(): void {}

  #dropMx(matches: (mx: StoredMx) => boolean): void {
    for (const mx of [...this.#mx.values()]) if (matches(mx)) this.#mx.delete(mx.nextHop);
  }
}
