/**
 * Regular work on the store: it writes batched changes, and drops what has expired.
 *
 * @module
 */

import type { StoreCare } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";

/** Batched uses and failed writes are written this often, ms; a kill loses only the times of last use. */
const FLUSH_MS = 1000;

/**
 * After this many flushes, about once an hour, expired policies and old failures are dropped: a few with each
 * flush until none is left.
 */
const FLUSHES_PER_PRUNE = 3600;

/**
 * Starts the maintenance.
 *
 * @returns A function that stops it.
 */
export function startStoreMaintenance(
  { store, clock }: { store: Pick<StoreCare, "flush" | "prune">; clock: ProvenClock },
): () => void {
  let round = 0;
  let hasMore = false;
  let cancel = clock.setTimer(maintain, FLUSH_MS);

  function maintain(): void {
    store.flush();
    if (++round % FLUSHES_PER_PRUNE === 0 || hasMore) hasMore = store.prune(clock.proven()) > 0;
    cancel = clock.setTimer(maintain, FLUSH_MS);
  }

  return () => cancel();
}
