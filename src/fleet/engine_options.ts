/**
 * What both drivers are made of, beside the address.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { TlsFiles } from "./engine_address.ts";
import type { RivalEntry } from "./rival_entries.ts";

/** What a driver is made of. */
export interface EngineOptions {
  /** The contents of the files that the address names. */
  readonly tlsFiles: TlsFiles;
  /** What it is and where, without password. */
  readonly label: string;
  /** Names the fleet. In PostgreSQL a letter and up to 31 more letters, digits, `_` and `-`. */
  readonly prefix: string;
  /** Timers of all waits. */
  readonly clock: Clock;
  /**
   * Has `read` look into the cache of the other program, which is in the same database, where no policy is: writes its
   * entry in our form.
   */
  readonly sealRival?: (entry: RivalEntry) => string | undefined;
}
