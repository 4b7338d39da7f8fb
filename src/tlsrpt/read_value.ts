/**
 * Single values of received reports: texts, counts and lists of any type become what they should be.
 *
 * Each reader notes in `deviations` what it had to put right.
 *
 * @module
 */

import type { Deviations } from "./deviation.ts";
import { TEXT_MAX_CHARS } from "./plain_text.ts";

/** Lines of a policy, or MX patterns, that are kept. RFC 8461 has no limit; 64 KiB hold some thousand. */
const MAX_STRINGS = 1000;

/** Where a value is, and who wants to know what is wrong with it. */
export interface Place {
  /** What is noted so far. */
  readonly deviations: Deviations;
  /** For people, such as `policies[0].summary`. */
  readonly place: string;
}

/**
 * A text of at most {@link TEXT_MAX_CHARS} UTF-16 units.
 *
 * @returns `undefined` if there is none; null and other types are noted as `text-form`.
 */
export function readText(value: unknown, { deviations, place }: Place): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    deviations.add("text-form", place);
    return undefined;
  }
  return cut(value, { deviations, place });
}

function cut(text: string, { deviations, place }: Place): string {
  if (text.length > TEXT_MAX_CHARS) deviations.add("text-cut", place);
  return text.slice(0, TEXT_MAX_CHARS).toWellFormed();
}

/**
 * A count of sessions.
 *
 * @returns From 0 to 2^53 - 1; `undefined` if there is none, which is not noted here.
 */
export function readCount(value: unknown, { deviations, place }: Place): number | undefined {
  const number = typeof value === "string" && /^[0-9]{1,16}$/.test(value)
    ? parseInt(value, 10)
    : value;
  if (typeof number !== "number") {
    if (value !== undefined && value !== null) deviations.add("count-form", place);
    return undefined;
  }
  const count = Math.min(Math.max(Math.floor(number), 0), Number.MAX_SAFE_INTEGER);
  if (count !== value) deviations.add("count-form", place);
  return count;
}

/** Whether a text may be an array in JSON, as Microsoft writes TLSA records. */
function isNested(text: string): boolean {
  return text.startsWith("[");
}

/**
 * `policy-string`: an array of strings (RFC 8460 §4.5), a text of lines, or JSON inside a string.
 *
 * @returns At most {@link MAX_STRINGS}, each cut.
 */
export function readPolicyStrings(value: unknown, { deviations, place }: Place): string[] {
  if (value === undefined || value === null) return [];
  let values: readonly unknown[];
  if (Array.isArray(value)) {
    values = value;
  } else {
    values = typeof value === "string" && !isNested(value) ? value.split(/\r?\n/) : [value];
    deviations.add("policy-string-form", place);
  }
  const [first] = values;
  if (values.length === 1 && typeof first === "string" && isNested(first)) {
    const inner = parseArray(first);
    if (inner !== undefined) {
      deviations.add("policy-string-nested", place);
      values = inner;
    }
  }
  return readStrings(values, { deviations, place }).filter((line) => line !== "");
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Texts out of an array. What is none is left out and noted. */
export function readStrings(values: readonly unknown[], { deviations, place }: Place): string[] {
  if (values.length > MAX_STRINGS) deviations.add("text-cut", place);
  return values.slice(0, MAX_STRINGS).flatMap((value) => {
    const text = readText(value, { deviations, place });
    return text === undefined ? [] : [text];
  });
}
