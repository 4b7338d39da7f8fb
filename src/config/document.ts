/**
 * From the text of a configuration file to checked values: YAML, unknown keys, kinds and bounds.
 * The caller decides which keys exist. All mistakes of a file are found at once, each as one line.
 *
 * @module
 */

import { parse } from "@std/yaml";
import * as v from "valibot";
import { isMapping } from "../base/mapping.ts";
import { formatFound, formatKind, formatPath } from "./found.ts";
import { type Key, type Keys, pathsOf, type Section, type ValuesOf } from "./key.ts";
import { closest } from "./suggest.ts";
import { UsageError } from "./usage_error.ts";

/** A file of a few hundred zones has 100 KB; what is larger is some other file. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Mistakes reported at once, lines on a screen. */
const MAX_PROBLEMS = 50;

/** Names of keys that valibot drops from a mapping, to be safe from tampered prototypes. */
const SKIPPED_NAMES = ["__proto__", "prototype", "constructor"];

/** The document as YAML gave it. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * Reads YAML.
 *
 * @param text The file; empty is a document without keys.
 * @param file Its name for messages.
 * @returns The mapping of the document.
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
    // Anything else that the parser throws is an overflow of the stack.
    if (!(error instanceof SyntaxError)) throw new UsageError(`${file}: is nested too deeply`);
    const form = /^(?:Cannot store mapping pair: )?(.*) at line (\d+), column (\d+):/;
    const [, what, line, column] = form.exec(error.message) ?? [, error.message, 1, 1];
    throw new UsageError(`${file}:${line}:${column}: ${what}`, { cause: error });
  }
  if (isMapping(document)) return document;
  throw new UsageError(
    `${file}: must be a mapping of keys to values, found ${formatFound(document)}`,
  );
}

/**
 * Checks a document against the keys that it may have.
 *
 * @param options `file`: its name for messages.
 * @returns Its values in the units of the file, defaults filled in.
 * @throws {UsageError} With one line for each mistake: file, key, what must be, what was found.
 */
export function checkDocument<Below extends Keys>(
  document: Document,
  root: Section<Below>,
  { file }: { readonly file: string },
): ValuesOf<Below> {
  const all = [...pathsOf(root.keys)];
  const paths = all.map(([path]) => path);
  const secrets = new Set(all.filter(([, { secret }]) => secret).map(([path]) => path));
  const problems = [...unknownKeys(document, root)]
    .map(({ path, siblings }) =>
      siblings === undefined
        ? `${formatPath(path)}: cannot be the name of a zone`
        : `${formatPath(path)}: unknown key${didYouMean(path.at(-1)!, { siblings, paths })}`
    );
  const result = v.safeParse(root.schema, document, { abortPipeEarly: true });
  for (const issue of result.issues ?? []) {
    const path = (issue.path ?? []).filter((item) => item.type === "object");
    const key = formatPath(path.map((item) => String(item.key)));
    const found = secrets.has(key) ? formatKind(issue.input) : formatFound(issue.input);
    problems.push(`${key}: ${issue.message}, found ${found}`);
  }
  failOn(problems, file);
  return result.output as ValuesOf<Below>;
}

/** @throws {UsageError} If there are problems, one line for each. */
export function failOn(problems: readonly string[], file: string): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, MAX_PROBLEMS).map((problem) => `${file}: ${problem}`);
  const more = problems.length - lines.length;
  if (more > 0) lines.push(`${file}: and ${more} more`);
  throw new UsageError(lines.join("\n"));
}

/** A key that is not known, beside those that are; without `siblings` a name that is not allowed. */
interface UnknownKey {
  readonly path: readonly string[];
  readonly siblings?: readonly string[];
}

/**
 * Lists the keys that the mapping may not have. Valibot is not asked, since it stops at the
 * first one and overlooks names such as `constructor`.
 */
function* unknownKeys(
  value: unknown,
  { keys = {}, each, open, type }: Key,
  path: readonly string[] = [],
): Iterable<UnknownKey> {
  if (type !== "mapping" || !isMapping(value)) return;
  for (const [name, below] of Object.entries(value)) {
    const here = [...path, name];
    if (each !== undefined) {
      if (SKIPPED_NAMES.includes(name)) yield { path: here };
      yield* unknownKeys(below, each, here);
    } else if (Object.hasOwn(keys, name)) {
      yield* unknownKeys(below, keys[name]!, here);
    } else if (!open) {
      yield { path: here, siblings: Object.keys(keys) };
    }
  }
}

/** The key at the same place with nearly that name, else all keys elsewhere that have it. */
function didYouMean(
  key: string,
  { siblings, paths }: { readonly siblings: readonly string[]; readonly paths: readonly string[] },
): string {
  const sibling = closest(key, siblings);
  if (sibling !== undefined) return `, did you mean ${sibling}?`;
  const name = closest(key, paths.map(lastName));
  const meant = paths.filter((path) => lastName(path) === name);
  return meant.length === 0 ? "" : `, did you mean ${meant.join(" or ")}?`;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
