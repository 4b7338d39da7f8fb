/**
 * Items made from files and kept up to date. A changed file makes a new item. A file with a mistake is
 * refused and logged once, and its last good version stays in use. Only a file that is removed takes
 * its item with it.
 *
 * @module
 */

import type { Log } from "./log.ts";

/** The result of reading a file. */
export type Made<T> =
  | { readonly kind: "made"; readonly item: T }
  /** One line for the operator. */
  | { readonly kind: "refused"; readonly problem: string };

/** What to watch, and how to read it. */
export interface WatchedFilesOptions<T> {
  /** The kind of item, for the log: "policy", "certificate". */
  readonly what: string;
  /**
   * The keys, each with a text that changes whenever its files do. `undefined` if the directory cannot be
   * read: everything then stays as it is. Never rejects.
   */
  readonly list: () => Promise<ReadonlyMap<string, string> | undefined>;
  /** Makes the item for a key. Never rejects. */
  readonly make: (key: string) => Promise<Made<T>>;
  /** Where changes and mistakes are logged. */
  readonly log: Log;
}

/** Items by key. */
export interface WatchedFiles<T> {
  /** The last good item of a key. */
  get(key: string): T | undefined;
  /** Keys with an item. */
  keys(): Iterable<string>;
  /** All items. */
  values(): IteratorObject<T>;
  /** How many items there are. */
  readonly size: number;
  /** Reads the files that have changed. Must not run twice at the same time. Never rejects. */
  scan(): Promise<void>;
}

/** Watches files. It reads nothing before the first scan. */
export function watchFiles<T>({ what, list, make, log }: WatchedFilesOptions<T>): WatchedFiles<T> {
  const items = new Map<string, T>();
  /** The stamps of the last scan. */
  let seen: ReadonlyMap<string, string> = new Map();
  /** What is wrong with refused files. Each scan tries them again, because the fault may be temporary. */
  const problems = new Map<string, string>();
  let listed = true;

  async function renew(key: string): Promise<void> {
    const made = await make(key);
    if (made.kind === "refused") {
      if (problems.get(key) === made.problem) return;
      problems.set(key, made.problem);
      const kept = items.has(key) ? "the last good version stays in use" : "nothing is served";
      log.warn(`${what} refused`, { key, problem: made.problem, kept });
      return;
    }
    problems.delete(key);
    log.info(`${what} ${items.has(key) ? "changed" : "loaded"}`, { key });
    items.set(key, made.item);
  }

  return {
    get: (key) => items.get(key),
    keys: () => items.keys(),
    values: () => items.values(),
    get size(): number {
      return items.size;
    },
    async scan(): Promise<void> {
      const now = await list();
      if (now === undefined) {
        if (listed) log.warn(`cannot read ${what} directory`);
        listed = false;
        return;
      }
      listed = true;
      for (const key of seen.keys()) {
        if (now.has(key)) continue;
        problems.delete(key);
        if (items.delete(key)) log.info(`${what} removed`, { key });
      }
      for (const [key, stamp] of now) {
        if (seen.get(key) !== stamp || problems.has(key)) await renew(key);
      }
      seen = now;
    },
  };
}
