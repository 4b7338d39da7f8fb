/**
 * The remarks on a configuration file, as lines of the log.
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { ConfigNote } from "../config/types.ts";

/** Logs each remark as a warning, at the start and at each reload. */
export function logNotes(notes: readonly ConfigNote[], log: Log): void {
  for (const { path, text } of notes) log.warn("configuration note", { key: path, note: text });
}
