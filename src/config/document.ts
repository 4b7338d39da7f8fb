/**
 * From the text of the configuration file to checked values: YAML, unknown keys, kinds and
 * bounds. All mistakes of a file are found at once, each as one line.
 *
 * @module
 */

import { parse } from "@std/yaml";
import * as v from "valibot";
import { describeConfig } from "./describe.ts";
import { factsOf, isMapping, section } from "./fields.ts";
import { LEGACY_CACHE_KEYS, LEGACY_KEYS } from "./legacy.ts";
import { CACHE_KEYS, KEYS } from "./schema.ts";
import { closest } from "./suggest.ts";
import { UsageError } from "./usage_error.ts";

/** A file of a few hundred zones has 100 KB; what is larger is some other file. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Mistakes reported at once, lines on a screen. */
const MAX_PROBLEMS = 50;

/** Characters of a wrong value that are quoted. */
const MAX_FOUND_CHARS = 60;

/** Names of keys that valibot drops from a mapping, to be safe from tampered prototypes. */
const SKIPPED_NAMES = ["__proto__", "prototype", "constructor"];

/** All keys that are accepted, those of postfix-mta-sts-resolver included. */
const FILE = section({
  ...KEYS,
  ...LEGACY_KEYS,
  cache: v.nullish(section({ ...CACHE_KEYS, ...LEGACY_CACHE_KEYS }, { text: "" }), {}),
}, { text: "" });

/** The values of a file in the units of the file, defaults filled in. */
export type FileValues = v.InferOutput<typeof FILE>;

/** The document as YAML gave it. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * Reads YAML.
 *
 * @param text The file; empty is a document without keys.
 * @param file Its name for messages.
 * @returns The mapping of the document, in which `cache: memory` is already written out.
 * @throws {UsageError} With file, line and column if it is not one YAML document, is larger
 * than 1 MiB, or is not a mapping.
 */
export function parseDocument(text: string, file: string): Document {
  if (new TextEncoder().encode(text).length > MAX_FILE_BYTES) {
    throw new UsageError(`${file}: is larger than 1 MiB`);
  }
  let document: unknown;
  try {
    document = parse(text) ?? {};
  } catch (error) {
    // What the parser throws else is an overflow of the stack.
    if (!(error instanceof SyntaxError)) throw new UsageError(`${file}: is nested too deeply`);
    const form = /^(?:Cannot store mapping pair: )?(.*) at line (\d+), column (\d+):/;
    const [, what, line, column] = form.exec(error.message) ?? [, error.message, 1, 1];
    throw new UsageError(`${file}:${line}:${column}: ${what}`, { cause: error });
  }
  if (!isMapping(document)) {
    throw new UsageError(
      `${file}: must be a mapping of keys to values, found ${formatFound(document)}`,
    );
  }
  return document.cache === "memory" ? { ...document, cache: { file: "memory" } } : document;
}

/**
 * Checks a document of our keys and those of postfix-mta-sts-resolver.
 *
 * @param file Name of the file for messages.
 * @returns Its values, defaults filled in.
 * @throws {UsageError} With one line for each mistake: file, key, what must be, what was found.
 */
export function checkDocument(document: Document, file: string): FileValues {
  return checkAgainst(document, FILE, { file });
}

/**
 * Checks a document of the keys of `schema`, otherwise as {@link checkDocument}.
 *
 * @throws {UsageError} With one line for each mistake.
 */
export function checkAgainst<const Schema extends v.GenericSchema>(
  document: Document,
  schema: Schema,
  { file }: { readonly file: string },
): v.InferOutput<Schema> {
  const problems = [...unknownKeys(document, schema)];
  const result = v.safeParse(schema, document, { abortPipeEarly: true });
  for (const issue of result.issues ?? []) {
    const path = (issue.path ?? []).filter((item) => item.type === "object");
    const key = formatPath(path.map((item) => String(item.key)));
    problems.push(`${key}: ${issue.message}, found ${formatFound(issue.input)}`);
  }
  failOn(problems, file);
  return result.output as v.InferOutput<Schema>;
}

/** @throws {UsageError} If there are problems, one line for each. */
export function failOn(problems: readonly string[], file: string): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, MAX_PROBLEMS).map((problem) => `${file}: ${problem}`);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`${file}: and ${more} more`);
  throw new UsageError(lines.join("\n"));
}

/**
 * Lists the keys that the schema does not have. Valibot is not asked, since it stops at the
 * first one and overlooks names such as `constructor`.
 */
function* unknownKeys(
  value: unknown,
  schema: v.GenericSchema,
  path: readonly string[] = [],
): Iterable<string> {
  const { type, entries = {}, each, open } = factsOf(schema);
  if (type !== "mapping" || !isMapping(value)) return;
  for (const [key, below] of Object.entries(value)) {
    const here = [...path, key];
    if (each !== undefined) {
      if (SKIPPED_NAMES.includes(key)) yield `${formatPath(here)}: cannot be the name of a zone`;
      yield* unknownKeys(below, each, here);
    } else if (Object.hasOwn(entries, key)) {
      yield* unknownKeys(below, entries[key] as v.GenericSchema, here);
    } else if (!open) {
      yield `${formatPath(here)}: unknown key${didYouMean(key, Object.keys(entries))}`;
    }
  }
}

/** The key at the same place with nearly that name, else all keys elsewhere that have it. */
function didYouMean(key: string, siblings: readonly string[]): string {
  const sibling = closest(key, siblings);
  if (sibling !== undefined) return `, did you mean ${sibling}?`;
  const paths = describeConfig().map(({ path }) => path);
  const name = closest(key, paths.map(lastName));
  const meant = paths.filter((path) => lastName(path) === name);
  return meant.length === 0 ? "" : `, did you mean ${meant.join(" or ")}?`;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function formatPath(path: readonly string[]): string {
  return path.map((key) => /^[\w-]+$/.test(key) ? key : quote(key)).join(".");
}

/** A value of YAML in a few words on one line, for messages. */
export function formatFound(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nothing";
  if (isMapping(value)) return "a mapping";
  return value instanceof Date ? "a date" : "binary data";
}

function quote(text: string): string {
  return JSON.stringify(
    text.length > MAX_FOUND_CHARS ? text.slice(0, MAX_FOUND_CHARS) + "…" : text,
  );
}
