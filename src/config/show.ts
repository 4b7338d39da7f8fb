/**
 * Writes the effective configuration as a file, with the meaning of each key above it. Loading that
 * file gives the same configuration.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { bareZone, toFile } from "./config.ts";
import { describeConfig, firstSentence, type KeyDescription } from "./describe.ts";
import { type Keys, mapKeys } from "./key.ts";
import { KEYS } from "./keys.ts";
import { HIDDEN_PASSWORD, hidePassword } from "./secrets.ts";
import { toFileValues } from "./settings.ts";
import type { Config } from "./types.ts";
import { ZONE_KEYS } from "./zone_keys.ts";

/** Width of a comment, characters. */
const COMMENT_WIDTH = 78;

/** Words that are text to every version of YAML, without quotes. */
const PLAIN_WORD = /^(?!(?:true|false|null)$)[a-z]{4,}$/;

/** Names that stay what they are without quotes as keys. */
const PLAIN_KEY = /^[a-z_]+$/;

/**
 * Writes a configuration as YAML.
 *
 * @param base Leaves out what is the same there, and in a zone what is the same in the default zone.
 */
export function formatConfig(config: Config, base?: Config): string {
  const file = base === undefined ? toFile(config) : difference(inherit(config), inherit(base));
  const lines = formatMapping(file, { above: commentsBy(formatComment) });
  return [...lines, ""].join("\n");
}

/**
 * Writes every key at its default as YAML. Beside it stands the first sentence of its meaning, and
 * the words that are allowed if there are only a few.
 */
export function formatDefaults(): string {
  const lines = formatMapping(defaultsOf(KEYS), { beside: commentsBy(formatBrief) });
  return [...lines, ""].join("\n");
}

/** The configuration with the passwords of the engine taken out, to be printed. */
export function withoutPasswords(config: Config): Config {
  const { url, password } = config.cache.shared;
  const shared = {
    ...config.cache.shared,
    url: url === undefined ? undefined : hidePassword(url),
    password: password === undefined ? undefined : HIDDEN_PASSWORD,
  };
  return { ...config, cache: { ...config.cache, shared } };
}

type Mapping = Readonly<Record<string, unknown>>;

/** Lines of comment by the path of their key. */
type Comments = ReadonlyMap<string, readonly string[]>;

function commentsBy(write: (key: KeyDescription) => readonly string[]): Comments {
  return new Map(
    describeConfig().filter((key) => !key.legacy).map((key) => [key.path, write(key)]),
  );
}

function defaultsOf(keys: Keys): Mapping {
  return mapKeys(keys, (key) => key.keys ? defaultsOf(key.keys) : key.default ?? null);
}

/** What is in `mapping` and not the same in `base`. */
function difference(mapping: Mapping, base: Mapping): Mapping {
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(mapping)) {
    const other = base[name];
    if (isMapping(value) && isMapping(other)) {
      const below = difference(value, other);
      if (Object.keys(below).length > 0) rest.push([name, below]);
    } else if (JSON.stringify(value) !== JSON.stringify(other)) {
      rest.push([name, value]);
    }
  }
  return Object.fromEntries(rest);
}

/** Every key as in the file, but in zones only what they have neither from the default zone nor built in. */
function inherit(config: Config): Mapping {
  const file = toFile(config);
  const zones = Object.entries(file.zones as Readonly<Record<string, Mapping>>)
    .map(([name, zone]) => {
      const bare = toFileValues(ZONE_KEYS, bareZone(name, config.defaultZone));
      return [name, difference(zone, bare)];
    });
  return { ...file, zones: Object.fromEntries(zones) };
}

/**
 * @param comments Above a key, with a line between groups, or beside it.
 * @param path Where the mapping is in the file, which is also how its comments are found.
 */
function* formatMapping(
  mapping: Mapping,
  comments: { readonly above?: Comments; readonly beside?: Comments },
  path: readonly string[] = [],
): Iterable<string> {
  const { above, beside } = comments;
  const indent = "  ".repeat(path.length);
  for (const [index, [name, value]] of Object.entries(mapping).entries()) {
    const here = [...path, name];
    if (above && path.length === 0 && index > 0) yield "";
    for (const line of above?.get(here.join(".")) ?? []) yield `${indent}# ${line}`;
    const key = `${indent}${PLAIN_KEY.test(name) ? name : JSON.stringify(name)}:`;
    const after = (beside?.get(here.join(".")) ?? []).map((line) => ` # ${line}`).join("");
    if (isMapping(value) && Object.keys(value).length > 0) {
      yield key + after;
      yield* formatMapping(value, comments, here);
    } else {
      yield `${key} ${formatValue(value)}${after}`;
    }
  }
}

/** JSON is YAML, so only words are written differently. */
function formatValue(value: unknown): string {
  return typeof value === "string" && PLAIN_WORD.test(value) ? value : JSON.stringify(value);
}

/** The meaning of a key, and what may stand there. */
function formatComment(key: KeyDescription): string[] {
  const { path, type, text, allowed, default: fallback } = key;
  const depth = path.split(".").length - 1;
  const width = COMMENT_WIDTH - 2 * Math.max(0, depth - 1);
  if (type === "mapping") return wrap(text, width);
  const known = fallback === "" ? "" : ` Default: ${fallback}.`;
  return [...wrap(text, width), ...wrap(`Allowed: ${allowed}.${known}`, width)];
}

function formatBrief({ text, words }: KeyDescription): string[] {
  const brief = uncapitalize(firstSentence(text));
  return [words === undefined ? brief : `${brief} (${words.join(", ")})`];
}

/** A word in capitals, such as `DNS`, stays. */
function uncapitalize(sentence: string): string {
  return sentence.replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase());
}

/** Breaks text into lines of at most `width` characters. */
export function wrap(text: string, width = COMMENT_WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.length + word.length < width) {
      line = line === "" ? word : `${line} ${word}`;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}
