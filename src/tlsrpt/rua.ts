/**
 * One URI of a TLSRPT record (RFC 8460 §3): where a report goes.
 *
 * A stranger chooses it, so it is decoded first and judged after that, and only plain forms pass: a mail address
 * whose local part is a dot-atom, at a host name with a dot; an HTTPS URL of such a host. Neither addresses nor
 * user names, nor anything that a shell, a mail header or a URL parser may read in another way. Whether the host leads to
 * our own network is found out when it is resolved.
 *
 * @module
 */

import { isIpv4 } from "../base/host.ts";
import { toALabel } from "../sts/domain.ts";

/** Where a report goes. `host` is in lower-case A-labels, without a final dot. */
export type Destination =
  | {
    readonly kind: "mailto";
    /** `local@host`, printable ASCII. */
    readonly address: string;
    /** The mail domain. */
    readonly host: string;
  }
  | {
    readonly kind: "https";
    /** As for `fetch`, without a fragment. */
    readonly url: string;
    /** The host of the URL. */
    readonly host: string;
  };

/** No destination. `reason` is a constant text. */
export interface InvalidRua {
  /** For the union with {@link Destination}. */
  readonly kind: "invalid";
  /** What is wrong. */
  readonly reason: string;
}

/** Octets of a URI that is read: several times an address or a path with a token. */
const URI_MAX_OCTETS = 512;

/** RFC 5321 §4.5.3.1.1. */
const LOCAL_PART_MAX_OCTETS = 64;

/** The characters of a URI (RFC 3986 §2), and percent signs only before two digits. */
const URI_TEXT = /^(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/;

/** Dot-atom of RFC 5322 §3.2.3. */
const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/**
 * Reads a URI of a record. Schemes compare without case (RFC 3986 §3.1).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseRua("MAILTO:a%2Bb@Example.com?subject=x"), {
 *   kind: "mailto",
 *   address: "a+b@example.com",
 *   host: "example.com",
 * });
 * ```
 * @param uri As published, without blanks around it.
 * @returns Never throws.
 */
export function parseRua(uri: string): Destination | InvalidRua {
  if (uri.length > URI_MAX_OCTETS) return invalid("longer than 512 octets");
  if (!URI_TEXT.test(uri)) return invalid("not a URI");
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/.exec(uri) ?? [];
  if (scheme === undefined || rest === undefined) return invalid("not a URI");
  switch (scheme.toLowerCase()) {
    case "mailto":
      return readMailto(rest);
    case "https":
      return readHttps(uri, rest);
    default:
      return invalid("neither mailto nor https");
  }
}

function invalid(reason: string): InvalidRua {
  return { kind: "invalid", reason };
}

/** Header fields after a question mark are not ours to set (RFC 6068 §2), and are left out. */
function readMailto(rest: string): Destination | InvalidRua {
  const text = decode(rest.split(/[?#]/, 1)[0]!);
  const at = text?.lastIndexOf("@") ?? -1;
  if (text === undefined || at === -1) return invalid("not a mail address");
  const local = text.slice(0, at);
  if (local.length > LOCAL_PART_MAX_OCTETS || !DOT_ATOM.test(local)) {
    return invalid("not a mail address with a plain local part");
  }
  const host = hostOf(text.slice(at + 1));
  if (host === undefined) return invalid("not a mail address at a domain with a dot");
  return { kind: "mailto", address: `${local}@${host}`, host };
}

function readHttps(uri: string, rest: string): Destination | InvalidRua {
  // The URL parser would also take `https:host` and `https:///host`.
  if (!/^\/\/[^/?#]/.test(rest)) return invalid("not an HTTPS URL");
  const url = URL.parse(uri);
  if (url === null) return invalid("not an HTTPS URL");
  if (url.username !== "" || url.password !== "" || /^[^/?#]*@/.test(rest.slice(2))) {
    return invalid("a URL with a user name");
  }
  const host = hostOf(url.hostname);
  if (host === undefined) return invalid("not a URL of a host with a dot in its name");
  url.hostname = host;
  url.hash = "";
  return { kind: "https", url: url.href, host };
}

/** @returns `undefined` if percent signs do not stand for UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** A name with a dot, in A-labels; an address is none. */
function hostOf(text: string): string | undefined {
  const host = toALabel(text);
  return host !== undefined && host.includes(".") && !isIpv4(host) ? host : undefined;
}
