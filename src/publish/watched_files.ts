/**
 * Things made from files, kept up to date: what has changed is made anew, and what cannot be made
 * is refused and told once, while the last good version stays in use. Only a file that is gone
 * takes its thing with it.
 *
 * @module
 */

import type { Log } from "../base/telemetry.ts";

/** What a file came to. */
export type Made<T> =
  | { readonly kind: "made"; readonly item: T }
  /** One line for the operator. */
  | { readonly kind: "refused"; readonly problem: string };

/** What is watched, and how it is read. */
export interface WatchedFilesOptions<T> {
  /** The kind of thing, for the log: "policy", "certificate". */
  readonly what: string;
  /**
   * The keys there should be, with a text that changes whenever the files behind one do.
   * `undefined` if that cannot be learned now: everything then stays as it is. Never rejects.
   */
  readonly list: () => Promise<ReadonlyMap<string, string> | undefined>;
  /** Makes the thing for a key. Never rejects. */
  readonly make: (key: string) => Promise<Made<T>>;
  readonly log: Log;
}

/** Things by key. */
export interface WatchedFiles<T> {
  get(key: string): T | undefined;
  keys(): Iterable<string>;
  values(): IteratorObject<T>;
  readonly size: number;
  /** Looks at the files. Not to be called again before it is done. Never rejects. */
  scan(): Promise<void>;
}

/** Watches files; nothing is read before the first scan. */
export function watchFiles<T>({ what, list, make, log }: WatchedFilesOptions<T>): WatchedFiles<T> {
  const items = new Map<string, T>();
  /** The state of files when they were last looked at. */
  let seen: ReadonlyMap<string, string> = new Map();
  /** What is wrong with those that were refused. They are tried again: the fault may be ours, for a time. */
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
        if (listed) log.warn(`${what} directory cannot be read`);
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
