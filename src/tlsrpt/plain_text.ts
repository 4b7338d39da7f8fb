/**
 * Remote text made fit for a report: printable ASCII of a bounded length.
 *
 * @module
 */

import { isIpv4, isIpv6 } from "../base/host.ts";

/** Characters kept of a text in a failure; more says nothing to the reader. */
export const TEXT_MAX_CHARS = 255;

/** The longest IPv6 address in text form. */
const ADDRESS_MAX_CHARS = 45;

const PRINTABLE = /^[ -~]*$/;
const NOT_PRINTABLE = /[^ -~]/g;

/** What stands for characters that are not printable ASCII, as in Postfix. */
const SUBSTITUTE = "?";

/**
 * Cuts a text, and replaces each UTF-16 unit that is not printable ASCII.
 *
 * @param max UTF-16 units kept.
 */
export function plainText(text: string, max: number = TEXT_MAX_CHARS): string {
  const kept = text.length > max ? text.slice(0, max) : text;
  return PRINTABLE.test(kept) ? kept : kept.replaceAll(NOT_PRINTABLE, SUBSTITUTE);
}

/** An IP address; `undefined` for anything else. */
export function plainAddress(text: string): string | undefined {
  if (text.length > ADDRESS_MAX_CHARS) return undefined;
  return isIpv4(text) || isIpv6(text) ? text : undefined;
}

/** An `http` or `https` URI without anything that does not belong there; `undefined` for anything else. */
export function plainUri(text: string): string | undefined {
  return text.length <= TEXT_MAX_CHARS && /^https?:\/\/[!-~]+$/i.test(text) && URL.canParse(text)
    ? text
    : undefined;
}

/**
 * The name in a reply to EHLO, of which Postfix passes on all lines: `250-mx.example\r\n250-PIPELINING`
 * gives `mx.example`.
 *
 * @returns `undefined` if the first line has no name.
 */
export function ehloName(reply: string): string | undefined {
  const [name] = /^[^ \r\n?]+/.exec(reply.replace(/^[0-9]{3}[ -]/, "")) ?? [];
  return name === undefined ? undefined : plainText(name);
}
