/**
 * The keeper of the cache file: what goes over from an old file to a fresh one, and which time is noted.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metric } from "../base/metrics.ts";
import { FileKeeper } from "../sqlite/file_keeper.ts";
import type { KeeperNames } from "../sqlite/keeper_options.ts";
import type { BadRows } from "./bad_rows.ts";
import { CacheFile } from "./cache_file.ts";

/** Options of {@link createCacheKeeper}. */
export interface CacheKeeperOptions {
  /** The file; its directories are made when missing. */
  readonly path: string;
  /** Where faults are logged. */
  readonly log: Log;
  /** Counts faults by their `FaultKind`. */
  readonly errors: Metric;
  /** Notes the rows of the file that are not believed. */
  readonly badRows: BadRows;
  /** The process's time, ms. */
  readonly now: () => number;
  /** The time as far as it has proved right, ms: only that is noted in the file. */
  readonly proven: () => number;
  /** Called when the file is opened first, with the latest time noted in it, ms. */
  readonly onLastSeen: (time: number) => void;
  /** Called when what could not be read before can be read now, and when another file is in use. */
  readonly onReopened: () => void;
  /** Leaves out the checks of owner and mode. */
  readonly allowUnsafeDirectory: boolean;
  /** The file grows to this many octets at most. */
  readonly maxFileOctets: number;
}

const NAMES: KeeperNames = { file: "cache file", contents: "policies" };

/** Creates the keeper. The file is not opened before the first `settle`. */
export function createCacheKeeper(options: CacheKeeperOptions): FileKeeper<CacheFile> {
  const { path, log, errors, now, proven, onReopened, badRows } = options;
  let hasOpened = false;

  return new FileKeeper<CacheFile>({
    path,
    names: NAMES,
    log,
    errors,
    now,
    onReopened,
    open: () => new CacheFile(path, { ...options, onBadRow: (table) => badRows.note(table) }),
    takeOver,
    note: (file) => file.noteTime(proven()),
    onOpened(file) {
      badRows.startOver();
      // Once: the time of this process does not depend on files that are put in place later.
      if (hasOpened) return;
      const lastSeen = file.lastSeen();
      hasOpened = true;
      if (lastSeen !== undefined) options.onLastSeen(lastSeen);
    },
  });
}

/** @returns Number of policies. */
function takeOver(old: CacheFile, fresh: CacheFile): number {
  let policies = 0;
  for (const policy of old.salvage()) {
    fresh.putPolicy(policy);
    const { failure, mx } = old.salvageCompanions(policy.domain);
    if (failure !== undefined) fresh.putFailure(failure);
    for (const view of mx) fresh.putMx(view);
    policies++;
  }
  return policies;
}
