/**
 * A value that YAML gave: whether it is a mapping, and how a message names it.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import { cutText } from "../base/quote_text.ts";
import { HIDDEN_PASSWORD, hidePassword } from "./secrets.ts";

/** Characters of a wrong value that are quoted. */
const MAX_FOUND_CHARS = 60;

/** A path such as `zones."my zone".dane`. */
export function formatPath(path: readonly string[]): string {
  return path.map((key) => /^[\w-]+$/.test(key) ? key : quote(key)).join(".");
}

/** A value of YAML that must not be printed, by its kind. */
export function formatKind(value: unknown): string {
  if (typeof value === "number") return "a number";
  const isGiven = typeof value === "string" && value !== "" && value !== HIDDEN_PASSWORD;
  return isGiven ? "a text" : formatFound(value);
}

/** A value of YAML in a few words on one line, without the password of a URL. */
export function formatFound(value: unknown): string {
  if (typeof value === "string") return quote(hidePassword(value));
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value === null) return "nothing";
  if (isMapping(value)) return "a mapping";
  return value instanceof Date ? "a date" : "binary data";
}

function quote(text: string): string {
  return JSON.stringify(cutText(text, MAX_FOUND_CHARS));
}
