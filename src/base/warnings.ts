/**
 * Warnings that are not repeated. What an operator should look at is logged once per domain and
 * reason in an hour, however often it happens, and kept for the status page.
 *
 * The caller decides what deserves a warning, and under which key.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Log, LogValue } from "./log.ts";

/** A warning is logged again if it still happens after this time, ms. */
const REPEAT_AFTER_MS = 3_600_000;

/**
 * Keys remembered, some 150 bytes each. With more, the one logged longest ago is forgotten. Its warning
 * may then be logged too often, which is better than memory without a bound.
 */
const MAX_KEYS = 20_000;

/** Warnings kept for the status page: nobody reads more. */
const MAX_RECENT = 100;

/** A warning as it was logged. */
export interface Warning {
  /** When, ms since the epoch. */
  readonly at: number;
  /** Short constant text, as in {@link Log}. */
  readonly event: string;
  /** As given by the caller, remote text not yet quoted. */
  readonly fields: Readonly<Record<string, LogValue>>;
  /** How often the same key was held back since it was last logged. */
  readonly suppressed: number;
}

/** Where warnings go. */
export interface Warnings {
  /**
   * Logs a warning, unless one with the same key was logged within the last hour.
   *
   * @param key What must not be repeated, such as `example.com certificate-expired`.
   * @param event Short constant text, as in {@link Log}. The line gets the field `suppressed`
   * if the same key was held back before.
   */
  warn(key: string, event: string, fields?: Record<string, LogValue>): void;
  /** The last warnings, newest first: at most `limit`, and never more than 100. */
  recent(limit: number): Warning[];
}

/** Creates warnings that go to `log`; `clock` measures the hour. */
export function createWarnings(options: { log: Log; clock: Clock }): Warnings {
  const { log, clock } = options;
  /** By key, in the order in which they were last logged. */
  const logged = new Map<string, { at: number; suppressed: number }>();
  /** Oldest first. */
  const recent: Warning[] = [];

  return {
    warn(key, event, fields = {}): void {
      const at = clock.now();
      const before = logged.get(key);
      if (before !== undefined && at - before.at < REPEAT_AFTER_MS) {
        before.suppressed++;
        return;
      }
      logged.delete(key);
      if (logged.size >= MAX_KEYS) logged.delete(logged.keys().next().value!);
      logged.set(key, { at, suppressed: 0 });

      const suppressed = before?.suppressed ?? 0;
      log.warn(event, suppressed > 0 ? { ...fields, suppressed } : fields);
      recent.push({ at, event, fields, suppressed });
      if (recent.length > MAX_RECENT) recent.shift();
    },
    recent: (limit) => recent.toReversed().slice(0, limit),
  };
}
