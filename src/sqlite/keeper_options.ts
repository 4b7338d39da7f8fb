/**
 * What a store hands in to have its file kept: see `file_keeper.ts`.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Metric } from "../base/metrics.ts";
import type { SqliteFile } from "./sqlite_file.ts";

/** What the log and the reasons call things. */
export interface KeeperNames {
  /** `cache file`. */
  readonly file: string;
  /** What is counted when one file takes over from another: `policies`. */
  readonly contents: string;
  /** What the store does without a file. @default {"working from memory"} */
  readonly meanwhile?: string;
}

/** Options of {@link FileKeeper}. */
export interface FileKeeperOptions<File extends SqliteFile> {
  /** Where the file is. */
  readonly path: string;
  /** What it is called. */
  readonly names: KeeperNames;
  /** Where faults are logged. */
  readonly log: Log;
  /** Counts faults by their `FaultKind`. */
  readonly errors: Metric;
  /** The process's time, ms. */
  readonly now: () => number;
  /** Opens the file, creating it if there is none. May throw. */
  readonly open: () => File;
  /**
   * Writes to the fresh file what can be read of the old one, damaged or not, within one transaction. Throws
   * what the fresh file throws.
   *
   * @returns How much that was, as in {@link KeeperNames.contents}.
   */
  readonly takeOver: (old: File, fresh: File) => number;
  /** Writes what must be in the file at least once a minute; called within each transaction of a `settle`. */
  readonly note: (file: File) => void;
  /** Called when a file has been opened and has taken over from the old one. May throw what the file throws. */
  readonly onOpened: (file: File) => void;
  /** Called when what could not be read before can be read now, and when another file is in use. */
  readonly onReopened: () => void;
}
