/**
 * A store whose file the test takes away and gives back: while it is gone, what was stored before
 * cannot be read, and what is stored meanwhile is held in memory.
 *
 * @module
 */

import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { DomainStore, PolicyStore, StoredPolicy, StoreNews } from "../../src/cache/types.ts";

/** The reason given while the file is gone. */
export const STORE_FAULT = "cache file unusable (busy)";

/** The store, with the test's hands on it. */
export interface FaultyStore extends PolicyStore {
  /** Takes the file away. */
  takeAway(): void;
  /** Gives it back, with all that was stored meanwhile, and tells so. */
  giveBack(): void;
  /** Stores a policy as another process does: nobody here hears of it. */
  slipIn(policy: StoredPolicy): void;
}

/** Creates the store, with its file in place. */
export function createFaultyStore(): FaultyStore {
  const file = createMemoryStore({ maxEntries: 100_000 });
  const pending = new Map<string, StoredPolicy>();
  const listeners = new Set<(news: StoreNews) => void>();
  let isGone = false;
  const tell = (news: StoreNews) => listeners.forEach((listener) => listener(news));
  const methods: Partial<FaultyStore> = {
    getPolicy(domain) {
      const policy = pending.get(domain);
      if (policy !== undefined) return { kind: "found", policy };
      return isGone ? { kind: "unavailable", reason: STORE_FAULT } : file.getPolicy(domain);
    },
    putPolicy(policy) {
      if (isGone) pending.set(policy.domain, policy);
      else file.putPolicy(policy);
      tell({ kind: "stored", policy });
    },
    getFailure: (domain) => isGone ? undefined : file.getFailure(domain),
    getMx: (nextHop) => isGone ? undefined : file.getMx(nextHop),
    hidesMx: () => isGone,
    onNews(listener): ReturnType<DomainStore["onNews"]> {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    takeAway: () => isGone = true,
    giveBack(): void {
      isGone = false;
      for (const policy of pending.values()) file.putPolicy(policy);
      pending.clear();
      tell({ kind: "reopened" });
    },
    slipIn: (policy) => file.putPolicy(policy),
  };
  return new Proxy(file as FaultyStore, {
    get(target, name: keyof FaultyStore) {
      const method = methods[name] ?? target[name];
      return method.bind(target);
    },
  });
}
