/**
 * Regular work on the store: writing what is batched, and dropping what nobody can use.
 *
 * @module
 */

import type { StoreCare } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";

/** Batched uses and writes that failed are written this often, ms; a kill loses no more than their times of last use. */
const FLUSH_MS = 1000;

/**
 * Expired policies and old failures are dropped every this many flushes, about once an hour, and from then on
 * with each, a few at a time, until none is left.
 */
const FLUSHES_PER_PRUNE = 3600;

/**
 * Starts the rounds.
 *
 * @returns A function that ends them.
 */
export function startStoreMaintenance(
  { store, clock }: { store: Pick<StoreCare, "flush" | "prune">; clock: ProvenClock },
): () => void {
  let round = 0;
  let hasMore = false;
  let cancel = clock.setTimer(keepHouse, FLUSH_MS);

  function keepHouse(): void {
    store.flush();
    if (++round % FLUSHES_PER_PRUNE === 0 || hasMore) hasMore = store.prune(clock.proven()) > 0;
    cancel = clock.setTimer(keepHouse, FLUSH_MS);
  }

  return () => cancel();
}
