/**
 * Text in the language of manual pages, man(7), as groff and mandoc both understand it.
 *
 * @module
 */

import { wrap } from "../../src/config/show.ts";

/** Characters that have a meaning in roff, or that it prints as others. */
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

/** Text to type as it is. */
export function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`;
}

/** Text to replace. */
export function italic(text: string): string {
  return `\\fI${literal(text)}\\fR`;
}

/** Prose, with bold for what is between backticks. Lines are filled again. */
export function prose(text: string): string {
  const marked = text.split("`").map((part, index) => index % 2 === 1 ? bold(part) : literal(part));
  // A full stop at the start of a line would be a request.
  return wrap(marked.join("").replaceAll("\n", " "))
    .map((line) => line.startsWith(".") ? `\\&${line}` : line)
    .join("\n");
}

/** A paragraph with a tag before it. */
export function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${prose(text)}`;
}

/** Lines that are kept as they are. */
export function verbatim(text: string): string {
  const lines = literal(text).split("\n");
  return [".nf", ...lines.map((line) => line.startsWith(".") ? `\\&${line}` : line), ".fi"]
    .join("\n");
}
