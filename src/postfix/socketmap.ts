/**
 * The socketmap protocol as Postfix's `dict_sockmap` speaks it, inside its netstrings: a request is
 * `<map name> <key>`, a reply one word and a text.
 *
 * Three of Postfix's five words are used. `TIMEOUT` and `PERM` do the same as `TEMP`: they defer the
 * mail. No failure here is permanent.
 *
 * @module
 */

import { decodeUtf8, type Octets, utf8Length } from "./octets.ts";

/** Octets of the longest key Postfix sends: `socketmap_max_query_size` of Postfix 3.12. */
const KEY_MAX_BYTES = 10_000;

/** Octets of the longest map name accepted; it is a word from `main.cf`. */
const MAP_NAME_MAX_BYTES = 256;

/** Octets of the longest request payload: map name, one space, key. */
export const MAX_REQUEST_BYTES: number = MAP_NAME_MAX_BYTES + 1 + KEY_MAX_BYTES;

/** Octets of the longest reply payload: `socketmap_max_reply_size` of Postfix 3.10, fixed before. */
export const MAX_REPLY_BYTES = 100_000;

/** Octets of the longest reason for Postfix's log. */
const REASON_MAX_BYTES = 200;

const CONTROL = /\p{Cc}/u;

/** The two parts of a request. */
export interface Request {
  /** What follows the last colon of `socketmap:inet:host:port:name`. */
  readonly mapName: string;
  /** What is looked up; empty if there is no space. */
  readonly key: string;
}

/** The reply for "no policy". The protocol requires the space, although Postfix accepts the word alone. */
export const NOTFOUND_REPLY = "NOTFOUND ";

/**
 * Decodes a request from UTF-8 and splits it at its first space; the key may hold more spaces.
 *
 * @returns The two parts, with U+FFFD for octets that are not UTF-8. Never throws: every request has a reply.
 */
export function parseRequest(payload: Octets): Request {
  const text = decodeUtf8(payload);
  const space = text.indexOf(" ");
  return space < 0
    ? { mapName: text, key: "" }
    : { mapName: text.slice(0, space), key: text.slice(space + 1) };
}

/**
 * Makes the reply with a value.
 *
 * @param maxOctets Octets of the longest reply; by default what Postfix accepts.
 * @returns The reply; `undefined` for a value that Postfix would refuse because it is empty, has control
 *   characters, or is too long.
 */
export function formatOk(
  value: string,
  maxOctets: number = MAX_REPLY_BYTES,
): string | undefined {
  const reply = `OK ${value}`;
  if (value === "" || CONTROL.test(value)) return undefined;
  return utf8Length(reply) <= maxOctets ? reply : undefined;
}

/**
 * Makes the reply that defers the mail.
 *
 * @param reason For Postfix's log: anything but printable ASCII becomes `?`, and the text is cut at 200
 *   octets.
 */
export function formatTemp(reason: string): string {
  return `TEMP ${reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, REASON_MAX_BYTES)}`;
}
