/**
 * The outer form of everything that the hosts of a fleet write: signature, `.`, a letter of kind, and a JSON object.
 *
 *     dBjftJeZ4CVP…(43 characters).p{"v":1,…}
 *     -.p{"v":1,…}                              not signed
 *
 * All of it is printable ASCII. What does not open counts as absent; it is never deleted, because a newer program
 * may have written it.
 *
 * @module
 */

import { escapeMatches } from "../base/quote_text.ts";
import type { Mac } from "./mac.ts";
import type { RefusalReason } from "./status.ts";

/**
 * The longest sealed text, octets. A policy of 64 KiB of ordinary lines fits; one of control characters, six octets
 * each in JSON, may not, and is then fetched by each host.
 */
export const SEALED_MAX_LENGTH = 100_000;

/** The version of the JSON object, its member `v`. */
const VERSION = 1;

/** Stands for the signature of a fleet without a secret. */
const UNSIGNED = "-";

/** Members of an entry that were not looked at yet. */
export type Members = { readonly [name: string]: unknown };

/** What was in an envelope. */
export interface Content {
  /** Tells it from what was refused. */
  readonly kind: "content";
  /** The kind of entry or message: one lower-case letter. */
  readonly letter: string;
  /** All members of the object. */
  readonly members: Members;
  /** The signature was verified; without it, there was none. */
  readonly isSigned: boolean;
}

/** Text that counts as absent. */
export interface Refused {
  /** Tells it from what was read. */
  readonly kind: "refused";
  /** Why. */
  readonly reason: RefusalReason;
}

/** Says why a text counts as absent. */
export function refuse(reason: RefusalReason): Refused {
  return { kind: "refused", reason };
}

/**
 * Puts members into an envelope.
 *
 * @param letter One lower-case letter, the kind.
 * @param members Values of JSON.
 * @param options Signs, unless `mac` is `undefined`.
 * @returns The sealed text; `undefined` if it is longer than {@link SEALED_MAX_LENGTH}.
 */
export function wrap(
  letter: string,
  members: Members,
  options: { readonly mac: Mac | undefined },
): string | undefined {
  const json = escapeMatches(JSON.stringify({ v: VERSION, ...members }), /[^ -~]/g);
  const text = `${letter}${json}`;
  const sealed = `${options.mac?.sign(text) ?? UNSIGNED}.${text}`;
  return sealed.length > SEALED_MAX_LENGTH ? undefined : sealed;
}

/**
 * Opens an envelope.
 *
 * @param sealed Any text.
 * @param mac The secrets of a fleet that signs: then what is not signed is refused. `undefined` for one that does
 *   not: then a signature, which nobody can verify here, is refused.
 */
export function unwrap(sealed: string, mac: Mac | undefined): Content | Refused {
  if (sealed.length > SEALED_MAX_LENGTH) return refuse("size");
  const [, signature, text, letter, json] = /^([\w-]{1,43})\.(([a-z])(\{[ -~]*\}))$/.exec(sealed) ??
    [];
  if (signature === undefined || text === undefined || letter === undefined || json === undefined) {
    return refuse("form");
  }
  if (signature === UNSIGNED) {
    if (mac !== undefined) return refuse("unsigned");
  } else if (mac === undefined || !mac.verify(text, signature)) return refuse("signature");
  const members = readMembers(json);
  if (members === undefined) return refuse("form");
  if (members.v !== VERSION) return refuse("version");
  return { kind: "content", letter, members, isSigned: mac !== undefined };
}

function readMembers(json: string): Members | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
