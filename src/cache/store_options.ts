/**
 * How a store in a SQLite file is opened.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";

/** Options of `createSqliteStore`. */
export interface SqliteStoreOptions {
  /** The file; its directories are made when missing. */
  readonly path: string;
  /** Where faults are logged. */
  readonly log: Log;
  /** Where they are counted. */
  readonly metrics: Metrics;
  /** The process's time, ms; never runs backwards. */
  readonly now: () => number;
  /**
   * The time as far as it has proved right, ms; the file notes no later one.
   * @default now
   */
  readonly proven?: () => number;
  /** Called once, while the store is made if it can be, with the latest time noted in the file, ms. */
  readonly onLastSeen?: (time: number) => void;
  /**
   * Accepts a file and a directory that others can write.
   * @default false
   */
  readonly allowUnsafeDirectory?: boolean;
  /**
   * The file grows to this many octets at most; what comes later stays in memory.
   * @default FILE_MAX_OCTETS
   */
  readonly maxFileOctets?: number;
}
