/**
 * The head of an HTTP request, as far as a read-only surface needs it (RFC 9112 §2, §3).
 *
 * Strict where leniency serves nobody: lines end in CRLF, the target is a path or a whole URL. Only
 * `Host` is looked at; a body is not expected, and whoever sends one is not served from it.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** A request. */
export interface HttpRequest {
  readonly method: string;
  /** The path as sent, beginning with a slash, still with its percent signs. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The `Host` field (or the host in the URL) without its port, in lower case; `""` when there is none. */
  readonly host: string;
}

/** The longest head that is read, bytes: a browser's is below 2 KB. */
export const MAX_HEAD_BYTES = 8192;

/** With a whole URL as the target, too, as clients that take a unix socket for a proxy send it. */
const REQUEST_LINE = /^([A-Z]{1,20}) (?:http:\/\/([^/?]*))?(\/[\x21-\x7e]*) HTTP\/1\.[01]$/;

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A host with or without a port (RFC 9112 §3.2); what is not of the form is nobody's name. */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(?::[0-9]*)?$/;

/**
 * Reads a head.
 *
 * @param text The head up to and without the empty line, one char per octet.
 * @returns `undefined` if it is not a request for one of our paths in form, whatever the path.
 */
export function parseHead(text: string): HttpRequest | undefined {
  const [requestLine = "", ...lines] = text.split("\r\n");
  const [, method, authority, target] = REQUEST_LINE.exec(requestLine) ?? [];
  if (method === undefined || target === undefined) return undefined;
  let host: string | undefined;
  for (const line of lines) {
    const field = readField(line);
    if (field === undefined) return undefined;
    if (field.name !== "host") continue;
    const [, found] = HOST.exec(authority ?? field.value) ?? [];
    if (found === undefined || host !== undefined) return undefined;
    host = found.toLowerCase();
  }
  const end = target.indexOf("?");
  const path = end < 0 ? target : target.slice(0, end);
  const query = new URLSearchParams(end < 0 ? "" : target.slice(end + 1));
  return { method, path, query, host: host ?? "" };
}

/**
 * Reads a field line (RFC 9112 §5) in linear time: a pattern that takes white space off both ends of
 * the value tries each run of spaces inside it from each of its places.
 *
 * @returns The name in lower case; `undefined` if the line is no field, or has a CR or LF in it.
 */
function readField(line: string): { readonly name: string; readonly value: string } | undefined {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  if (!FIELD_NAME.test(name) || line.includes("\r") || line.includes("\n")) return undefined;
  return { name: name.toLowerCase(), value: trimWspStart(trimWspEnd(line.slice(colon + 1))) };
}

/**
 * Whether a `Host` names this machine by an address or as `localhost`.
 *
 * A page from elsewhere can make the browser of a person on this machine ask a loopback address
 * under a name of its own (DNS rebinding) and read the answer; then `Host` has that name.
 */
export function isLocalHost(host: string): boolean {
  return host === "" || host === "localhost" || host.endsWith(".localhost") ||
    host.startsWith("[") || /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host);
}
