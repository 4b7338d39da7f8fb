/**
 * Which keys differ between two configurations, by the names that an operator knows.
 *
 * @module
 */

import { toFile } from "./config.ts";
import type { Config } from "./types.ts";

/** @returns The keys whose values differ, such as `log.level` or `zones.postfix.timeout`, in their order. */
export function changedKeys(before: Config, after: Config): string[] {
  return difference(toFile(before), toFile(after));
}

function difference(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (!isMapping(before) || !isMapping(after)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [path.join(".")];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => difference(before[name], after[name], [...path, name]));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
