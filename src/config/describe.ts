/**
 * The keys of the configuration file in words, for the manual page, the completions and the
 * comments in `config show`.
 *
 * @module
 */

import { type Keys, pathsOf } from "./key.ts";
import { KEYS } from "./keys.ts";
import { LEGACY_CACHE_KEYS, LEGACY_KEYS } from "./legacy_keys.ts";

/** One key. */
export interface KeyDescription {
  /** Path such as `dns.timeout`; keys below `zones.NAME` are those below `default_zone`, those below
   * `domains.DOMAIN` belong to each domain there. */
  readonly path: string;
  /** `number`, `boolean`, `string`, `list`, or `mapping` for a key that only holds others. */
  readonly type: string;
  readonly unit?: string;
  /** As it would be written in the file; empty if there is none, and then the text says what happens. */
  readonly default: string;
  /** Completes "must be …". */
  readonly allowed: string;
  /** All values, for a key that takes one of a few words. */
  readonly words?: readonly string[];
  /** A few sentences, of which the first can stand alone. */
  readonly text: string;
  /** A key of postfix-mta-sts-resolver. */
  readonly legacy?: boolean;
}

/** All keys in the order of the manual, ours first. */
export function describeConfig(): readonly KeyDescription[] {
  const legacy = [...describe(LEGACY_KEYS, ""), ...describe(LEGACY_CACHE_KEYS, "cache.")];
  return [...describe(KEYS, ""), ...legacy.map((key) => ({ ...key, legacy: true }))];
}

/** The first sentence of a text, where there is room for no more; without its full stop. */
export function firstSentence(text: string): string {
  const [first = text] = text.split(". ");
  return first.replace(/\.$/, "");
}

function describe(keys: Keys, prefix: string): KeyDescription[] {
  return [...pathsOf(keys, prefix)].flatMap(([path, key]) => {
    const { type, unit, allowed, words, text, each, placeholder } = key;
    const below = each && placeholder ? describe(each.keys, `${path}.${placeholder}.`) : [];
    return [{
      path,
      type,
      unit,
      default: formatDefault(key.default),
      allowed,
      ...(words && { words }),
      text,
    }, ...below];
  });
}

/** A list of one value may be written as that value. */
function formatDefault(value: unknown): string {
  const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return one === undefined || typeof one === "object" ? "" : String(one);
}
