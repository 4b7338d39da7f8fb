/**
 * The keys of the configuration file as data, for the manual page, the table in the
 * documentation and the comments in `config show`.
 *
 * @module
 */

import type * as v from "valibot";
import { factsOf } from "./fields.ts";
import { LEGACY_CACHE_KEYS, LEGACY_KEYS } from "./legacy.ts";
import { KEYS } from "./schema.ts";

/** One key. */
export interface KeyDescription {
  /** Path such as `dns.timeout`; keys below `zones.NAME` are those below `default_zone`. */
  readonly path: string;
  /** `number`, `boolean`, `string`, `list`, or `mapping` for a key that only holds others. */
  readonly type: string;
  readonly unit?: string;
  /** As it would stand in the file; empty when there is none, and then the text says what happens. */
  readonly default: string;
  /** Completes "must be …". */
  readonly allowed: string;
  /** One sentence. */
  readonly text: string;
  /** A key of postfix-mta-sts-resolver. */
  readonly legacy?: boolean;
}

/** All keys in the order of the manual, ours first. */
export function describeConfig(): readonly KeyDescription[] {
  const legacy = [...describe(LEGACY_KEYS, ""), ...describe(LEGACY_CACHE_KEYS, "cache.")];
  return [...describe(KEYS, ""), ...legacy.map((key) => ({ ...key, legacy: true }))];
}

function describe(entries: v.ObjectEntries, prefix: string): KeyDescription[] {
  return Object.entries(entries).flatMap(([name, schema]) => {
    const { type, unit, allowed, text, entries: below } = factsOf(schema as v.GenericSchema);
    const path = prefix + name;
    const fallback = "default" in schema ? schema.default : undefined;
    const key = { path, type, unit, default: formatDefault(fallback), allowed, text };
    return [key, ...describe(below ?? {}, `${path}.`)];
  });
}

function formatDefault(value: unknown): string {
  return value === undefined || typeof value === "object" ? "" : String(value);
}
