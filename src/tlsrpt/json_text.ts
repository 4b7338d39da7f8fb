/**
 * JSON of strangers, read within bounds (I-JSON, RFC 7493): size, depth, and names given twice.
 *
 * A scan finds where the first value ends before `JSON.parse` sees it. So what follows the value, which some
 * senders leave behind, does no harm. The scan only balances brackets and quotes; `JSON.parse` judges the grammar.
 *
 * @module
 */

/** The largest text that is read, octets. A day of a large sender has tens of KiB. */
export const JSON_MAX_OCTETS: number = 5 * 1024 * 1024;

/** Arrays and objects inside each other. A report has six. */
const MAX_DEPTH = 32;

/**
 * Names that are looked at for being there twice. A report has a few hundred; with half a million, which is nothing but
 * hostile, this would take most of the time.
 */
const MAX_NAMES = 20_000;

/** Why a text has no value. */
export type JsonFault = "empty" | "too-large" | "too-deep" | "json";

/** What is odd about a text that can be read all the same. */
export type JsonOddity =
  | "byte-order-mark" // in front of the value
  | "not-utf-8" // replaced by U+FFFD
  | "duplicate-name" // the last one counts
  | "trailing-nul" // NUL octets at the end
  | "trailing-data"; // anything else at the end, such as a second value

/** A value, or why there is none. */
export type JsonReading =
  | { readonly kind: "read"; readonly value: unknown; readonly oddities: readonly JsonOddity[] }
  | { readonly kind: "refused"; readonly fault: JsonFault };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** White space of JSON (RFC 8259 §2). */
const BLANK = /[ \t\r\n]/;

/**
 * Reads the first value of a text.
 *
 * @param octets At most {@link JSON_MAX_OCTETS} are read.
 * @returns Never throws.
 */
export function readJson(octets: Uint8Array): JsonReading {
  if (octets.length > JSON_MAX_OCTETS) return { kind: "refused", fault: "too-large" };
  const oddities = new Set<JsonOddity>();
  const text = decode(octets, oddities);
  const start = text.search(/[^ \t\r\n]/);
  if (start < 0) return { kind: "refused", fault: "empty" };
  const scan = scanValue(text, start);
  if (scan === "too-deep") return { kind: "refused", fault: "too-deep" };
  if (scan === undefined) return { kind: "refused", fault: "json" };
  if (scan.duplicates) oddities.add("duplicate-name");
  let end = scan.end;
  while (end < text.length && (text[end] === "\0" || BLANK.test(text[end]!))) {
    if (text[end++] === "\0") oddities.add("trailing-nul");
  }
  if (end < text.length) oddities.add("trailing-data");
  try {
    const value: unknown = JSON.parse(text.slice(start, scan.end));
    return { kind: "read", value, oddities: [...oddities] };
  } catch {
    return { kind: "refused", fault: "json" };
  }
}

function decode(octets: Uint8Array, oddities: Set<JsonOddity>): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    oddities.add("not-utf-8");
    text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(octets);
  }
  if (!text.startsWith("\ufeff")) return text;
  oddities.add("byte-order-mark");
  return text.slice(1);
}

interface Scan {
  /** Behind the last character of the value. */
  readonly end: number;
  readonly duplicates: boolean;
}

/**
 * Finds the end of the array or object that begins at `start`.
 *
 * @returns `undefined` if it does not end, or is neither.
 */
function scanValue(text: string, start: number): Scan | "too-deep" | undefined {
  /** For each open array or object the names so far; an array has none. */
  const open: (Set<string> | undefined)[] = [];
  let duplicates = false;
  let left = MAX_NAMES;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      if (end === undefined) return undefined;
      const names = open.at(-1);
      if (names !== undefined && left > 0 && isName(text, end)) {
        left--;
        const name = unquote(text.slice(at, end));
        duplicates ||= names.has(name);
        names.add(name);
      }
      at = end - 1;
    } else if (code === 0x7b || code === 0x5b) {
      if (open.length === MAX_DEPTH) return "too-deep";
      open.push(code === 0x7b ? new Set() : undefined);
    } else if (code === 0x7d || code === 0x5d) {
      open.pop();
      if (open.length === 0) return { end: at + 1, duplicates };
    } else if (open.length === 0) return undefined;
  }
  return undefined;
}

/** Behind the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
  return undefined;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && BLANK.test(text[at]!)) at++;
  return text.charCodeAt(at) === COLON;
}

/** Two spellings of a name are the same name. */
function unquote(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
