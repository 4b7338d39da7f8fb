/**
 * The kinds of values a key can have, as valibot schemas that also carry what
 * manuals need: type, unit and allowed values beside the description.
 *
 * Every message reads "must be …", so that it can stand behind the path of the key.
 *
 * @module
 */

import * as v from "valibot";
import { isAbsolutePath } from "./address.ts";

/** What is known about a key beside its name, default and description. */
export interface KeyFacts {
  readonly type: "number" | "boolean" | "string" | "list" | "mapping";
  readonly unit?: string;
  /** Completes "must be …". */
  readonly allowed: string;
  /** Bounds of a number. */
  readonly range?: Range;
  /** The keys of a mapping. */
  readonly entries?: v.ObjectEntries;
  /** What stands under each name in a mapping with names of the operator's choice. */
  readonly each?: v.GenericSchema;
  /** A mapping that may have other keys than `entries`. */
  readonly open?: boolean;
}

/** Least and greatest value of a number, both allowed. */
export type Range = readonly [min: number, max: number];

/** A duration, whole or decimal. */
export function seconds(range: Range, text: string) {
  const allowed = `a number of seconds from ${range.join(" to ")}`;
  return number({ type: "number", unit: "seconds", allowed, range }, text);
}

/** A whole number of things. */
export function count(range: Range, text: string) {
  const allowed = `a whole number from ${range.join(" to ")}`;
  return v.pipe(
    number({ type: "number", allowed, range }, text),
    v.integer(mustBe(allowed)),
  );
}

/** A number without unit, whole or decimal. */
export function ratio(range: Range, text: string) {
  return number({ type: "number", allowed: `a number from ${range.join(" to ")}`, range }, text);
}

/** A switch. YAML 1.1, as Python reads it, has four more words for it than our parser knows. */
export function flag(text: string) {
  const allowed = "true or false";
  return v.pipe(
    v.unknown(),
    v.transform((value) => {
      if (typeof value !== "string") return value;
      if (/^(?:yes|on)$/i.test(value)) return true;
      return /^(?:no|off)$/i.test(value) ? false : value;
    }),
    v.boolean(mustBe(allowed)),
    v.description(text),
    v.metadata({ type: "boolean", allowed } satisfies KeyFacts),
  );
}

/** One of a few words. `off` may have become `false` on its way through YAML. */
export function choice<const Word extends string>(words: readonly Word[], text: string) {
  const allowed = `one of ${words.join(", ")}`;
  return v.pipe(
    v.unknown(),
    v.transform((value) => value === false ? "off" : value),
    v.picklist(words, mustBe(allowed)),
    v.description(text),
    v.metadata({ type: "string", allowed } satisfies KeyFacts),
  );
}

/** Text that `parse` understands; it returns `undefined` for all other. */
export function text<Value>(
  parse: (text: string) => Value | undefined,
  options: { allowed: string; text: string },
) {
  const { allowed } = options;
  return v.pipe(
    parsed(parse, allowed),
    v.description(options.text),
    v.metadata({ type: "string", allowed } satisfies KeyFacts),
  );
}

/** One text or a list of texts, each as in {@link text}. */
export function list<Value>(
  parse: (text: string) => Value | undefined,
  options: { allowed: string; text: string },
) {
  const allowed = `${options.allowed}, or a list of them`;
  return v.pipe(
    v.unknown(),
    v.transform((value): unknown => Array.isArray(value) ? value : [value]),
    v.array(parsed(parse, allowed)),
    v.description(options.text),
    v.metadata({ type: "list", allowed } satisfies KeyFacts),
  );
}

/** A file by its absolute path, or one of a few words instead. */
export function file(words: readonly string[], description: string) {
  return text((value) => isAbsolutePath(value) || words.includes(value) ? value : undefined, {
    allowed: [...words, "an absolute path"].join(" or "),
    text: description,
  });
}

/**
 * The mode of a socket. YAML 1.1 writes `0660` and our parser understands that; `0o660` of
 * YAML 1.2 and quoted modes reach us as text. A decimal 660 is out of range and noticed.
 */
export function fileMode(text: string) {
  const allowed = "an octal mode from 0600 to 0777";
  return v.pipe(
    v.unknown(),
    v.transform((value) => {
      const [, digits] = typeof value === "string" && /^(?:0o?)?([0-7]{3})$/.exec(value) || [];
      return digits === undefined ? value : parseInt(digits, 8);
    }),
    number({ type: "number", unit: "octal", allowed, range: [0o600, 0o777] }, text),
    v.integer(mustBe(allowed)),
  );
}

/** A mapping with the given keys. A key without a value (null) counts as not given. */
export function section<const Entries extends v.ObjectEntries>(
  entries: Entries,
  options: { text: string; open?: boolean },
) {
  const { text, open } = options;
  return v.pipe(
    mapping,
    v.object(entries),
    v.description(text),
    v.metadata({ type: "mapping", allowed: MAPPING, entries, open } satisfies KeyFacts),
  );
}

/** A mapping from names of the operator's choice to mappings with the given keys. */
export function namedSections<const Entries extends v.ObjectEntries>(
  entries: Entries,
  options: { text: string; name: RegExp; allowedName: string },
) {
  const { text, name, allowedName } = options;
  const each = v.nullish(section(entries, { text }), {});
  return v.pipe(
    mapping,
    v.record(v.pipe(v.string(), v.regex(name, mustBe(allowedName))), each),
    v.description(text),
    v.metadata({ type: "mapping", allowed: MAPPING, each } satisfies KeyFacts),
  );
}

/** Description and facts of a key; those of the wrapped schema if the key may be absent. */
export function factsOf(schema: v.GenericSchema): KeyFacts & { readonly text: string } {
  const inner = "wrapped" in schema ? schema.wrapped as v.GenericSchema : schema;
  return { ...v.getMetadata(inner) as unknown as KeyFacts, text: v.getDescription(inner)! };
}

/** Whether a value of YAML has keys. Lists, dates and binary data are objects too. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

const MAPPING = "a mapping of keys to values";

const mapping = v.custom<Record<string, unknown>>(isMapping, mustBe(MAPPING));

function number(facts: KeyFacts & { readonly range: Range }, text: string) {
  const { allowed, range: [min, max] } = facts;
  return v.pipe(
    v.number(mustBe(allowed)),
    v.minValue(min, mustBe(allowed)),
    v.maxValue(max, mustBe(allowed)),
    v.description(text),
    v.metadata({ ...facts }),
  );
}

function parsed<Value>(parse: (text: string) => Value | undefined, allowed: string) {
  return v.pipe(
    v.string(mustBe(allowed)),
    v.rawTransform<string, Value>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: mustBe(allowed) });
      return NEVER;
    }),
  );
}

function mustBe(allowed: string): string {
  return `must be ${allowed}`;
}
