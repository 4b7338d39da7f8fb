/**
 * The kinds of keys, from which `keys.ts` states what the file may hold. A kind knows which values
 * are allowed, how to check them with valibot, and how to write them again.
 *
 * Every message reads "must be …", so that it can follow the path of the key.
 *
 * @module
 */

import * as v from "valibot";
import { isAbsolutePath } from "../base/address.ts";
import { isMapping } from "../base/mapping.ts";
import { type Key, type Keys, mapKeys, type NamedSections, type Section } from "./key.ts";
import type { NumberStatement, Statement, TextStatement, ValuesOf } from "./key.ts";

/** Milliseconds in a second, the unit of durations in the program and in the file. */
const MS_PER_SECOND = 1000;

/** A duration, whole or decimal: seconds in the file, milliseconds in the program. */
export function seconds<Default extends number | undefined = undefined>(
  statement: NumberStatement<Default>,
): Key<number, Default> {
  const allowed = `a number of seconds from ${statement.range.join(" to ")}`;
  return {
    ...number(statement, allowed),
    unit: "seconds",
    toSetting: (value) => Math.round(value * MS_PER_SECOND),
    toFile: (milliseconds) => milliseconds / MS_PER_SECOND,
  };
}

/** A whole number of things; `quoted`: it may also be quoted in the file. */
export function count<Default extends number | undefined = undefined>(
  statement: NumberStatement<Default> & { readonly quoted?: boolean },
): Key<number, Default> {
  const allowed = `a whole number from ${statement.range.join(" to ")}`;
  const key = number(statement, allowed);
  const whole = v.pipe(key.schema, v.integer(mustBe(allowed)));
  const schema = statement.quoted ? v.pipe(v.unknown(), v.transform(unquote), whole) : whole;
  return { ...key, schema };
}

/** A number without a unit, whole or decimal. */
export function ratio<Default extends number | undefined = undefined>(
  statement: NumberStatement<Default>,
): Key<number, Default> {
  return number(statement, `a number from ${statement.range.join(" to ")}`);
}

/** A switch. YAML 1.1, as Python reads it, has four more words for it than our parser knows. */
export function flag<Default extends boolean | undefined = undefined>(
  statement: Statement<Default>,
): Key<boolean, Default> {
  const allowed = "true or false";
  const schema = v.pipe(
    v.unknown(),
    v.transform((value) => {
      if (typeof value !== "string") return value;
      if (/^(?:yes|on)$/i.test(value)) return true;
      return /^(?:no|off)$/i.test(value) ? false : value;
    }),
    v.boolean(mustBe(allowed)),
  );
  return { type: "boolean", allowed, schema, ...meaningOf(statement) };
}

/** One of a few words. `off` may have become `false` on its way through YAML. */
export function choice<
  const Word extends string,
  const Default extends Word | undefined = undefined,
>(statement: Statement<Default> & { readonly words: readonly Word[] }): Key<Word, Default> {
  const { words } = statement;
  const allowed = words.length === 1 ? words[0]! : `one of ${words.join(", ")}`;
  const schema = v.pipe(
    v.unknown(),
    v.transform((value) => value === false ? "off" : value),
    v.picklist(words, mustBe(allowed)),
  );
  return { type: "string", allowed, words, schema, ...meaningOf(statement) };
}

/** Text of a form. */
export function text<Value, Default extends string | undefined = undefined>(
  statement: TextStatement<Value, Default>,
): Key<Value, Default> {
  const { allowed, format, secret } = statement;
  const schema = parsed(statement);
  return {
    type: "string",
    allowed,
    schema,
    toFile: format,
    ...(secret && { secret }),
    ...meaningOf(statement),
  };
}

/**
 * One text of a form or a list of them. `nonEmpty` completes "must be …" for an empty list, which
 * is allowed without it.
 */
export function list<Value, Default extends readonly string[] | undefined = undefined>(
  statement: TextStatement<Value, Default> & { readonly nonEmpty?: string },
): Key<readonly Value[], Default> {
  const { format, nonEmpty } = statement;
  const allowed = `${statement.allowed}, or a list of them`;
  const items = v.pipe(
    v.unknown(),
    v.transform((value): unknown => Array.isArray(value) ? value : [value]),
    v.array(parsed({ ...statement, allowed })),
  );
  return {
    type: "list",
    allowed,
    schema: nonEmpty === undefined ? items : v.pipe(items, v.minLength(1, mustBe(nonEmpty))),
    toFile: (values) => format === undefined ? values : values.map(format),
    ...meaningOf(statement),
  };
}

/** A file by its absolute path, or one of a few words instead. */
export function file<Default extends string | undefined = undefined>(
  statement: Statement<Default> & { readonly words: readonly string[] },
): Key<string, Default> {
  const { words } = statement;
  return text({
    ...statement,
    parse: (value) => isAbsolutePath(value) || words.includes(value) ? value : undefined,
    allowed: `${words.join(", ")} or an absolute path`,
  });
}

/**
 * The mode of a socket. YAML 1.1 writes `0660` and our parser understands that; `0o660` of
 * YAML 1.2 and quoted modes reach us as text. A decimal 660 is out of range and noticed.
 */
export function fileMode<Default extends string | undefined = undefined>(
  statement: Statement<Default>,
): Key<number, Default> {
  const allowed = "an octal mode from 0600 to 0777";
  const { schema, ...key } = number({ ...statement, range: [0o600, 0o777] }, allowed);
  return {
    ...key,
    unit: "octal",
    schema: v.pipe(
      v.unknown(),
      v.transform((value) => {
        const [, digits] = typeof value === "string" && /^(?:0o?)?([0-7]{3})$/.exec(value) || [];
        return digits === undefined ? value : parseInt(digits, 8);
      }),
      schema,
      v.integer(mustBe(allowed)),
    ),
    toFile: (mode) => mode.toString(8).padStart(4, "0"),
  };
}

/** A mapping with the given keys. A key without a value (null) counts as not given. */
export function section<const Below extends Keys>(
  statement: { readonly keys: Below; readonly text: string; readonly open?: boolean },
): Section<Below> {
  const schema = v.pipe(mapping, v.object(mapKeys(statement.keys, orDefault)));
  return {
    type: "mapping",
    allowed: MAPPING,
    default: {},
    ...statement,
    schema: schema as unknown as v.GenericSchema<unknown, ValuesOf<Below>>,
  };
}

/** A mapping from names of the operator's choice to mappings with the given keys. */
export function namedSections<const Below extends Keys>(
  statement: {
    readonly keys: Below;
    readonly text: string;
    readonly isName: (name: string) => boolean;
    /** Completes "must be …" for a name. */
    readonly allowedName: string;
    readonly placeholder?: string;
  },
): NamedSections<Below> {
  const { keys, text, isName, allowedName, placeholder } = statement;
  const each = section({ keys, text });
  const names = v.pipe(v.string(), v.check(isName, mustBe(allowedName)));
  const schema = v.pipe(mapping, v.record(names, v.nullish(each.schema, {})));
  return {
    type: "mapping",
    allowed: MAPPING,
    default: {},
    text,
    each,
    ...(placeholder && { placeholder }),
    schema: schema as v.GenericSchema<unknown, Record<string, ValuesOf<Below>>>,
  };
}

const MAPPING = "a mapping of keys to values";

const mapping = v.custom<Record<string, unknown>>(isMapping, mustBe(MAPPING));

/** Puts the default where there is no value; null is none. */
function orDefault({ schema, default: fallback }: Key): v.GenericSchema {
  if (fallback !== undefined) return v.nullish(schema, fallback);
  return v.pipe(v.nullish(schema), v.transform((value) => value ?? undefined));
}

function number<Default>(
  statement: NumberStatement<Default>,
  allowed: string,
): Key<number, Default> {
  const { range } = statement;
  const [min, max] = range;
  const schema = v.pipe(
    v.number(mustBe(allowed)),
    v.minValue(min, mustBe(allowed)),
    v.maxValue(max, mustBe(allowed)),
  );
  return { type: "number", allowed, range, schema, ...meaningOf(statement) };
}

function meaningOf<Default>({ text, default: fallback }: Statement<Default>) {
  return { text, default: fallback as Default };
}

function unquote(value: unknown): unknown {
  return typeof value === "string" && /^[0-9]{1,5}$/.test(value) ? parseInt(value, 10) : value;
}

function parsed<Value>(
  { parse, allowed }: Pick<TextStatement<Value, unknown>, "parse" | "allowed">,
) {
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
