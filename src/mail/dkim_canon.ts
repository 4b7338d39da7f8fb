/**
 * What a DKIM signature is made over: the canonical forms "relaxed" of header fields and of the body (RFC 6376 §3.4.2,
 * §3.4.4).
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";
import type { HeaderField } from "./compose.ts";

/**
 * A header field: name in lower case, unfolded, each run of white space as one space.
 *
 * @returns Without a line end.
 */
export function relaxHeader([name, value]: HeaderField): string {
  const unfolded = value.replaceAll("\r\n", "");
  const text = trimWspStart(trimWspEnd(unfolded)).replaceAll(/[ \t]+/g, " ");
  return `${trimWspEnd(name.toLowerCase())}:${text}`;
}

/** The body: no white space at ends of lines, runs of it as one space, no empty lines at the end. */
export function relaxBody(body: string): string {
  const lines = body.split("\r\n").map((line) => trimWspEnd(line).replaceAll(/[ \t]+/g, " "));
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => `${line}\r\n`).join("");
}

/**
 * The header fields that are signed (RFC 6376 §3.7). A name that is listed more often than there are fields stands for
 * nothing: the signature breaks when such a field is added (§5.4.2).
 *
 * @param headers All fields, in their order.
 * @param names As in the tag `h`. Of repeated fields the last counts first.
 * @param signature The field `DKIM-Signature` with an empty `b`.
 */
export function signedText(
  headers: readonly HeaderField[],
  names: readonly string[],
  { signature }: { signature: HeaderField },
): string {
  const left = [...headers];
  let text = "";
  for (const name of names) {
    const at = left.findLastIndex(([each]) => each.toLowerCase() === name.toLowerCase());
    if (at < 0) continue;
    text += `${relaxHeader(left[at]!)}\r\n`;
    left.splice(at, 1);
  }
  return text + relaxHeader(signature);
}
