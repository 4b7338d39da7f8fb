/**
 * The domain of the author of a mail: of the address in From (RFC 5322 §3.6.2), only to decide whether a signature is
 * from the same domain. So a field that could be read in two ways has no domain.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";
import { fieldName, type RawMessage } from "./raw_message.ts";

/** Quoted strings, with escaped characters in them. */
const QUOTED = /"(?:[^"\\]|\\[^])*"/g;

/** Characters of the field. Names and addresses have a few dozen. */
const FIELD_MAX_CHARS = 2000;

/** Characters of a local part: of atoms (RFC 5322 §3.2.3), dots, and UTF-8 (RFC 6532). A quoted one is `q` here. */
const LOCAL = "[!#-'*+\\-./0-9=?A-Z^_`a-z{|}~\\u0080-\\u00ff]+";

/** Characters of a domain; it is judged elsewhere. */
const DOMAIN = "[-.0-9A-Z_a-z\\u0080-\\u00ff]+";

/** Words before an address in angle brackets. */
const WORDS = '[^<>()\\[\\]:;,\\\\"]*';

/** An address in angle brackets after any words, or an address alone. */
const MAILBOX = new RegExp(`^(?:${WORDS}<${LOCAL}@(${DOMAIN})>|${LOCAL}@(${DOMAIN}))$`);

/**
 * Finds the domain.
 *
 * @returns As written, decoded from UTF-8; `undefined` unless there is one field From with one address.
 */
export function fromDomain({ headers }: Pick<RawMessage, "headers">): string | undefined {
  const [field, ...others] = headers.filter((each) => fieldName(each) === "from");
  if (field === undefined || others.length > 0 || field[1].length > FIELD_MAX_CHARS) {
    return undefined;
  }
  const text = withoutComments(field[1].replaceAll("\r\n", "").replaceAll(QUOTED, "q"));
  const [, bracketed, bare] = MAILBOX.exec(trimWspStart(trimWspEnd(text))) ?? [];
  const domain = bracketed ?? bare;
  if (domain === undefined) return undefined;
  try {
    const octets = Uint8Array.from(domain, (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    // The only thing it throws is what is no UTF-8.
    return undefined;
  }
}

/** Comments may be inside each other (RFC 5322 §3.2.2). Each becomes a space. */
function withoutComments(text: string): string {
  let depth = 0;
  let kept = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\" && depth > 0) at++;
    else if (char === "(") depth++;
    else if (char === ")" && depth > 0) {
      depth--;
      kept += " ";
    } else if (depth === 0) kept += char;
  }
  return depth === 0 ? kept : "(";
}
