/**
 * Text in the language of manual pages, man(7). Both groff and mandoc understand it.
 *
 * @module
 */

import { wrap } from "../../src/config/show.ts";

/** Characters that have a meaning in roff, or that it prints as other characters. */
const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\(rs",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "…": "...",
};

/** Escapes text so that it is printed as it is. */
export function literal(text: string): string {
  return text.replaceAll(/[\\'`^~…-]|[^\n -~]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    return SPECIAL[character] ?? `\\[u${code}]`;
  });
}

/** Text that the reader types as it is. */
export function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`;
}

/** Text that the reader replaces. */
export function italic(text: string): string {
  return `\\fI${literal(text)}\\fR`;
}

/** Prose. Text between backticks is bold. Lines are filled again. */
export function prose(text: string): string {
  const marked = text.split("`").map((part, index) => index % 2 === 1 ? bold(part) : literal(part));
  // A full stop at the start of a line would begin a request.
  return wrap(marked.join("").replaceAll("\n", " "))
    .map((line) => line.startsWith(".") ? `\\&${line}` : line)
    .join("\n");
}

/** A paragraph with a tag before it. */
export function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${prose(text)}`;
}

/** Lines that stay as they are. */
export function verbatim(text: string): string {
  const lines = literal(text).split("\n");
  return [".nf", ...lines.map((line) => line.startsWith(".") ? `\\&${line}` : line), ".fi"]
    .join("\n");
}
