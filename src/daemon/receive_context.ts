/**
 * The parts that everything in the daemon of received reports works with.
 *
 * @module
 */

import { createClock, type ProcessClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createMetrics, type Metrics } from "../base/metrics.ts";
import { createWarnings, type Warnings } from "../base/warnings.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createReceivedStore } from "../receive/received_store.ts";
import type { ReceivedStore } from "../receive/types.ts";
import { requireSafeDirectory } from "./safe_directory.ts";
import { logClock } from "./clock_log.ts";

/** The parts. */
export interface ReceiveContext {
  /** The configuration as last read. */
  readonly config: () => Config;
  readonly clock: ProcessClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  readonly store: ReceivedStore;
}

/**
 * Whether a configuration says what to receive, and how.
 *
 * @throws {UsageError} If not.
 */
export function checkReceiving({ received }: Config): void {
  const { domains, maildir, listen, token } = received;
  if (domains.length === 0) {
    throw new UsageError("no domains to receive reports for", {
      hint: "name yours in 'received.domains'",
    });
  }
  if (maildir === undefined && listen.length === 0) {
    throw new UsageError("no way to receive reports", {
      hint: "set 'received.maildir', or 'received.listen' for HTTPS",
    });
  }
  if (listen.length > 0 && token === undefined) {
    throw new UsageError("'received.listen' needs 'received.token'", {
      hint: "it is the path in rua=https://HOST/TOKEN",
    });
  }
}

/** Makes the context and opens the file. @throws {UsageError} If other users can write to its directory. */
export function createReceiveContext(
  { config, log, file }: { config: () => Config; log: Log; file: string },
): ReceiveContext {
  const { allowUnsafeDirectory } = config().cache;
  requireSafeDirectory(file, { allowUnsafeDirectory });
  const clock = createClock({ onChange: logClock(log) });
  const metrics = createMetrics();
  const store = createReceivedStore({
    path: file,
    log,
    metrics,
    now: clock.now,
    keepDays: config().received.keepDays,
    allowUnsafeDirectory,
  });
  return { config, clock, log, metrics, warnings: createWarnings({ log, clock }), store };
}

/** Time between repairs of the file, ms. */
const FLUSH_MS = 1000;

/** Time between slices of what is dropped once there is nothing more to drop, in repairs. */
const FLUSHES_TO_PRUNE = 60;

/** Repairs the file, and drops what is no longer kept. @returns A function that ends this. */
export function maintainStore(
  { store, clock }: Pick<ReceiveContext, "store" | "clock">,
): () => void {
  let left = 0;
  let cancel = clock.setTimer(next, FLUSH_MS);
  function next(): void {
    cancel = clock.setTimer(next, FLUSH_MS);
    store.flush();
    if (left-- > 0) return;
    // A slice a second, until there is nothing more.
    left = store.prune(clock.now()) > 0 ? 0 : FLUSHES_TO_PRUNE;
  }
  return () => cancel();
}
