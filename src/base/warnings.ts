/**
 * Warnings that are not repeated: what an operator should look at is said once per
 * domain and reason in an hour, however often it happens, and kept for the status page.
 *
 * It does not decide what deserves a warning; that is up to the caller, and so is the key.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Log, LogValue } from "./log.ts";

/** A warning is said again when it still happens after this time, ms. */
const SAY_AGAIN_AFTER_MS = 3_600_000;

/**
 * Keys remembered, some 150 bytes each. Beyond it the one said longest ago is forgotten,
 * so that it may be said too often, which is better than growing without end.
 */
const MAX_KEYS = 20_000;

/** Warnings kept for the status page: what a person reads at most. */
const MAX_RECENT = 100;

/** A warning as it was said. */
export interface Warning {
  /** When, ms since the epoch. */
  readonly at: number;
  readonly event: string;
  /** As given by the caller, remote text not yet quoted. */
  readonly fields: Readonly<Record<string, LogValue>>;
  /** How often the same key was held back since it was last said. */
  readonly suppressed: number;
}

/** Where warnings go. */
export interface Warnings {
  /**
   * Says a warning, unless one with the same key was said within the last hour.
   *
   * @param key What must not be repeated, such as `example.com certificate-expired`.
   * @param event Short constant text, as in {@link Log}. The line gets the field `suppressed`
   * when the same key was held back before.
   */
  warn(key: string, event: string, fields?: Record<string, LogValue>): void;
  /** The warnings said last, newest first, at most `limit` and never more than 100. */
  recent(limit: number): Warning[];
}

/** @returns Warnings that go to `log`, with `clock` telling the hours. */
export function createWarnings(options: { log: Log; clock: Clock }): Warnings {
  const { log, clock } = options;
  /** In the order in which they were last said. */
  const said = new Map<string, { at: number; suppressed: number }>();
  /** Oldest first. */
  const recent: Warning[] = [];

  return {
    warn(key, event, fields = {}): void {
      const at = clock.now();
      const before = said.get(key);
      if (before !== undefined && at - before.at < SAY_AGAIN_AFTER_MS) {
        before.suppressed++;
        return;
      }
      said.delete(key);
      if (said.size >= MAX_KEYS) said.delete(said.keys().next().value!);
      said.set(key, { at, suppressed: 0 });

      const suppressed = before?.suppressed ?? 0;
      log.warn(event, suppressed > 0 ? { ...fields, suppressed } : fields);
      recent.push({ at, event, fields, suppressed });
      if (recent.length > MAX_RECENT) recent.shift();
    },
    recent: (limit) => recent.toReversed().slice(0, limit),
  };
}
