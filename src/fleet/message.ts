/**
 * Messages of the channel that are no entries: `b`, the heartbeat of a host; `m`, by which a host says that it found
 * the engine empty; and `e`, that its fetch under a lease failed for a reason which may be its own. They are wrapped as
 * entries are, see `envelope.ts`.
 *
 * | Letter | Members beside `v` |
 * | --- | --- |
 * | `b` | `h` host, `s` version of its program, `n` what it knows its own heartbeats by, `a` how far its clock is ahead of the engine's, ms, or `null` |
 * | `m` | `h`, `n` |
 * | `e` | `h`, `n`, `d` domain, `i` id |
 *
 * @module
 */

import { type Content, refuse, type Refused, wrap } from "./envelope.ts";
import type { SealOptions } from "./entry.ts";
import { isDomain, isPolicyId } from "./read_entry.ts";

/** Characters of a version. */
const VERSION_MAX_LENGTH = 64;

const HOST = /^[!-~]{1,255}$/;
const VERSION = /^[!-~]+$/;
const NONCE = /^[A-Za-z0-9_-]{8,40}$/;

/** What a host says of itself. */
export interface Heartbeat {
  /** Tells it from the other messages. */
  readonly kind: "heartbeat";
  /** Printable ASCII without spaces, 1 to 255 characters. */
  readonly host: string;
  /** Printable ASCII without spaces, 1 to 64 characters. */
  readonly version: string;
  /** Tells the exchange that sent it from others of the same name. */
  readonly nonce: string;
  /** How far its clock is ahead of the engine's, ms; `undefined` if it does not know. */
  readonly ahead: number | undefined;
}

/** A host has set the mark of the engine anew. */
export interface Emptied {
  /** Tells it from the other messages. */
  readonly kind: "emptied";
  /** As in {@link Heartbeat}. */
  readonly host: string;
  /** As in {@link Heartbeat}. */
  readonly nonce: string;
}

/** A fetch under a lease has failed: those who wait for it are to look for themselves. */
export interface FailedFetch {
  /** Tells it from the other messages. */
  readonly kind: "failed-fetch";
  /** As in {@link Heartbeat}. */
  readonly host: string;
  /** As in {@link Heartbeat}. */
  readonly nonce: string;
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` that the fetch was for. */
  readonly id: string;
}

/** A message. */
export type Message = Heartbeat | Emptied | FailedFetch;

/** Seals a message. @returns `undefined` if it were too long, which it is not for members within their bounds. */
export function sealMessage(
  message: Message,
  { mac }: Pick<SealOptions, "mac">,
): string | undefined {
  const { host: h, nonce: n } = message;
  if (message.kind === "emptied") return wrap("m", { h, n }, { mac });
  if (message.kind === "failed-fetch") {
    return wrap("e", { h, n, d: message.domain, i: message.id }, { mac });
  }
  const a = message.ahead === undefined ? null : Math.round(message.ahead);
  return wrap("b", { h, s: message.version, n, a }, { mac });
}

/** Reads a message. @returns `undefined` for what is an entry, or of a newer program. */
export function readMessage({ letter, members }: Content): Message | Refused | undefined {
  if (letter !== "b" && letter !== "m" && letter !== "e") return undefined;
  const { h: host, n: nonce, s: version, a } = members;
  if (typeof host !== "string" || !HOST.test(host)) return refuse("form");
  if (typeof nonce !== "string" || !NONCE.test(nonce)) return refuse("form");
  if (letter === "m") return { kind: "emptied", host, nonce };
  if (letter === "e") {
    const { d: domain, i: id } = members;
    if (!isDomain(domain) || !isPolicyId(id)) return refuse("form");
    return { kind: "failed-fetch", host, nonce, domain, id };
  }
  if (typeof version !== "string" || version.length > VERSION_MAX_LENGTH) return refuse("form");
  if (!VERSION.test(version) || (a !== null && !Number.isSafeInteger(a))) return refuse("form");
  const ahead = a === null ? undefined : a as number;
  return { kind: "heartbeat", host, version, nonce, ahead };
}
