/**
 * The socketmap protocol as Postfix's `dict_sockmap` speaks it, inside its netstrings: a request is
 * `<map name> <key>`, a reply one word and a text.
 *
 * Of Postfix's five words three are used. `TIMEOUT` and `PERM` do the same as `TEMP`, the mail is
 * deferred, and nothing that is found out here is final.
 *
 * @module
 */

import { decodeUtf8, type Octets, utf8Length } from "./octets.ts";

/** Octets of the longest key Postfix sends: `socketmap_max_query_size` of Postfix 3.12. */
const KEY_MAX_BYTES = 10_000;

/** Octets of the longest map name taken; it is a word somebody wrote into `main.cf`. */
const MAP_NAME_MAX_BYTES = 256;

/** Octets of the longest request payload: map name, one space, key. */
export const MAX_REQUEST_BYTES = MAP_NAME_MAX_BYTES + 1 + KEY_MAX_BYTES;

/** Octets of the longest reply payload: `socketmap_max_reply_size` of Postfix 3.10, fixed before. */
export const MAX_REPLY_BYTES = 100_000;

/** Octets of a reason that Postfix writes to its log. */
const REASON_MAX_BYTES = 200;

const CONTROL = /\p{Cc}/u;

/** A request, split. */
export interface Request {
  /** What follows the last colon of `socketmap:inet:host:port:name`. */
  readonly mapName: string;
  /** What is looked up; empty when there is no space. */
  readonly key: string;
}

/** The reply for "no policy here". The space belongs to it, though Postfix forgives its absence. */
export const NOTFOUND_REPLY = "NOTFOUND ";

/**
 * Splits a request at its first space, a key may hold more, and decodes it from UTF-8.
 *
 * @returns Octets that are not UTF-8 come as U+FFFD. Never throws: every request has a reply.
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
 * @returns `undefined` for a value that Postfix would refuse: empty, with control characters, or
 *   too long.
 */
export function formatOk(value: string): string | undefined {
  const reply = `OK ${value}`;
  if (value === "" || CONTROL.test(value)) return undefined;
  return utf8Length(reply) <= MAX_REPLY_BYTES ? reply : undefined;
}

/**
 * Makes the reply that defers the mail.
 *
 * @param reason For Postfix's log: anything but printable ASCII becomes `?`, and it ends at 200
 *   octets.
 */
export function formatTemp(reason: string): string {
  return `TEMP ${reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, REASON_MAX_BYTES)}`;
}
