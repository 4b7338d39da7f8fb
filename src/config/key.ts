/**
 * What a key of the configuration file is: one statement of its type, unit, bounds, default and
 * meaning. The check of a file, `config show`, `config convert`, the manual page, the README's
 * block and the type `Config` all come from it; nothing about a key is said anywhere else.
 *
 * Statements are written with the kinds in `kinds.ts`.
 *
 * @module
 */

import type * as v from "valibot";

/** Lowest and highest value of a number, both allowed. */
export type Range = readonly [min: number, max: number];

/**
 * One key, whose value is a `Value` once the file is checked. `Default` is `undefined` for a key
 * without a default, and then the value may be `undefined` too.
 */
export interface Key<Value = unknown, Default = unknown> {
  readonly type: "number" | "boolean" | "string" | "list" | "mapping";
  readonly unit?: "seconds" | "octal";
  /** Completes "must be …". */
  readonly allowed: string;
  /** All values, for a key that takes one of a few words. */
  readonly words?: readonly string[];
  /** Bounds of a number, in the unit of the file. */
  readonly range?: Range;
  /** As written in the file. */
  readonly default: Default;
  /** What the key means: a few sentences, of which the first can stand alone. */
  readonly text: string;
  /** The keys of a mapping. */
  readonly keys?: Keys;
  /** What stands under each name, in a mapping with names of the operator's choice. */
  readonly each?: Section;
  /** What stands for such a name in the manual, if `each` has keys of its own; otherwise another section has them. */
  readonly placeholder?: string;
  /** A mapping that may have keys other than `keys`. */
  readonly open?: boolean;
  /** Never printed; not even a value that is not allowed. */
  readonly secret?: boolean;
  /** Checks a value that is there. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** Turns a checked value into the unit of the program; absent if it is the same. */
  toSetting?(value: Value): Value;
  /** The opposite: writes a setting as written in the file; absent if it is the same. */
  toFile?(setting: Value): unknown;
}

/** What every statement says. */
export interface Statement<Default> {
  /** What the key means: a few sentences, of which the first can stand alone. */
  readonly text: string;
  /** As written in the file; a key without one may be absent. */
  readonly default?: Default;
}

/** A statement about a number. */
export interface NumberStatement<Default> extends Statement<Default> {
  readonly range: Range;
}

/** A statement about text that has a form. */
export interface TextStatement<Value, Default> extends Statement<Default> {
  /** Returns `undefined` for text that is not allowed. */
  readonly parse: (text: string) => Value | undefined;
  /** The opposite of `parse`; without it the value is the text. */
  readonly format?: (value: Value) => string;
  /** Completes "must be …". */
  readonly allowed: string;
  /** Never printed; not even a value that is not allowed. */
  readonly secret?: boolean;
}

/** Keys by their names, in the order of the manual. */
export type Keys = Readonly<Record<string, Key>>;

/** A mapping with keys of its own. */
export interface Section<Below extends Keys = Keys> extends Key<ValuesOf<Below>, Empty> {
  readonly keys: Below;
}

/** A mapping from names of the operator's choice to sections. */
export interface NamedSections<Below extends Keys = Keys>
  extends Key<Readonly<Record<string, ValuesOf<Below>>>, Empty> {
  readonly each: Section<Below>;
}

/** The default of a mapping. */
export type Empty = Readonly<Record<string, never>>;

/** The values of keys under the names and in the units of the file, defaults filled in. */
export type ValuesOf<Below extends Keys> = {
  readonly [Name in keyof Below]: ValueOf<Below[Name]>;
};

/** The value of one key. */
export type ValueOf<Of> = Of extends Key<infer Value, infer Default>
  ? Default extends undefined ? Value | undefined : Value
  : never;

/** The values of keys under the names of the program: `negative_ttl` is `negativeTtl`. */
export type SettingsOf<Below extends Keys> = {
  readonly [Name in keyof Below as CamelCase<Name & string>]: SettingOf<Below[Name]>;
};

type SettingOf<Of> = Of extends NamedSections<infer Below>
  ? Readonly<Record<string, SettingsOf<Below>>>
  : Of extends Section<infer Below> ? SettingsOf<Below>
  : ValueOf<Of>;

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** The same keys without their defaults. */
export type WithoutDefaults<Below extends Keys> = {
  readonly [Name in keyof Below]: Below[Name] extends Key<infer Value> ? Key<Value, undefined>
    : never;
};

/** Takes the defaults away, for keys whose defaults are the values of others. */
export function withoutDefaults<const Below extends Keys>(keys: Below): WithoutDefaults<Below> {
  return mapKeys(keys, (key) => ({ ...key, default: undefined })) as WithoutDefaults<Below>;
}

/** Makes something of each key, under the same names. */
export function mapKeys<Result>(
  keys: Keys,
  make: (key: Key, name: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, make(key, name)]));
}

/** All paths such as `dns.timeout`, in the order of the manual. */
export function* pathsOf(keys: Keys, prefix = ""): Iterable<readonly [path: string, key: Key]> {
  for (const [name, key] of Object.entries(keys)) {
    yield [prefix + name, key];
    yield* pathsOf(key.keys ?? {}, `${prefix}${name}.`);
  }
}
