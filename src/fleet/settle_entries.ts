/**
 * Entries made ready for a driver: one of each key, in an order that all hosts share.
 *
 * @module
 */

import type { Entry } from "./types.ts";

/**
 * Leaves out of a publication what another entry of the same publication ends: an older entry of the same key, a
 * failure before a policy, whatever is older than a tombstone.
 *
 * @returns In the order of kinds and names, so that hosts that lock rows one after the other do not wait for each other
 *   in a circle.
 */
export function settleEntries(entries: readonly Entry[]): readonly Entry[] {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    const key = `${entry.kind} ${entry.name}`;
    const other = newest.get(key);
    if (other === undefined || other.at <= entry.at) newest.set(key, entry);
  }
  const isEnded = ({ kind, name, at }: Entry) => {
    const tombstone = newest.get(`t ${name}`);
    if (kind !== "t" && tombstone !== undefined && at <= tombstone.at) return true;
    const policy = newest.get(`p ${name}`);
    return kind === "f" && policy !== undefined && at <= policy.at;
  };
  return [...newest.keys()].sort()
    .map((key) => newest.get(key)!)
    .filter((entry) => !isEnded(entry));
}
