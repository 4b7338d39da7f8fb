/**
 * Tag lists, the form of DKIM signatures and of key records (RFC 6376 §3.2). The grammar is strict: a list that two
 * verifiers could read differently does not count.
 *
 * @module
 */

/** A tag as it is written. */
export interface Tag {
  /** Without white space around it; with the folding white space that is inside. */
  readonly value: string;
  /** Where everything after the equals sign begins in the text. */
  readonly from: number;
  /** Where it ends: at the semicolon, or at the end of the text. */
  readonly to: number;
}

/** Tags by name, in their order. Names have a case. */
export type TagList = ReadonlyMap<string, Tag>;

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** VALCHAR and white space. A CRLF without white space after it is no folding. */
const VALUE = /^(?:[!-:<-~ \t]|\r\n[ \t])*$/;

/** White space, folded or not, at the ends of names and values. */
const FWS_START = /^(?:\r\n[ \t]|[ \t])+/;

/**
 * Reads a tag list.
 *
 * @param text One char per octet.
 * @returns `undefined` if it is none, or a tag is there twice (§3.2).
 */
export function parseTagList(text: string): TagList | undefined {
  const tags = new Map<string, Tag>();
  const specs = text.split(";");
  let at = 0;
  for (const [index, spec] of specs.entries()) {
    const isLast = index === specs.length - 1;
    // A semicolon may end the list.
    if (isLast && index > 0 && stripFws(spec) === "") break;
    const equals = spec.indexOf("=");
    if (equals < 0) return undefined;
    const name = stripFws(spec.slice(0, equals));
    const value = spec.slice(equals + 1);
    if (!NAME.test(name) || !VALUE.test(value) || tags.has(name)) return undefined;
    tags.set(name, { value: stripFws(value), from: at + equals + 1, to: at + spec.length });
    at += spec.length + 1;
  }
  return tags;
}

/** Removes all folding white space; for Base64 and lists, where it does not count. */
export function withoutFws(value: string): string {
  return value.replaceAll(/[ \t\r\n]/g, "");
}

/**
 * The entries of a list with colons, without the white space around them.
 *
 * @returns Not empty: at least one text, which may be "".
 */
export function splitColons(value: string): string[] {
  return value.split(":").map(stripFws);
}

/** Removes folding white space at both ends, in linear time. */
function stripFws(text: string): string {
  const [start = ""] = FWS_START.exec(text) ?? [];
  let end = text.length;
  while (end > start.length && isFws(text.charCodeAt(end - 1))) end--;
  return text.slice(start.length, end);
}

function isFws(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}
