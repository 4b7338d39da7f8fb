/**
 * The head of an HTTP request, as far as our small servers need it (RFC 9112 §2, §3).
 *
 * Strict where leniency helps nobody: lines end in CRLF, and the target is a path or a whole URL. Only
 * `Host` is read. What a head says about a body is read in `body.ts`, by the few servers that take one.
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

/** Also accepts a whole URL as the target, which clients send that treat a UNIX socket as a proxy. */
const REQUEST_LINE = /^([A-Z]{1,20}) (?:http:\/\/([^/?]*))?(\/[\x21-\x7e]*) HTTP\/1\.[01]$/;

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A host with or without a port (RFC 9112 §3.2). */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*)(?::[0-9]*)?$/;

/**
 * Reads a head.
 *
 * @param text The head up to and without the empty line, one char per octet.
 * @returns The request, whatever its path; `undefined` if it is malformed.
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
 * Reads a field line (RFC 9112 §5) in linear time. A pattern that strips white space from both ends of
 * the value would try each run of spaces inside it from each of its positions.
 *
 * @returns The name in lower case; `undefined` if the line is not a field, or contains a CR or LF.
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
 * A page from elsewhere can make a browser on this machine ask a loopback address under the page's own
 * name (DNS rebinding) and read the reply. `Host` then has that name.
 */
export function isLocalHost(host: string): boolean {
  return host === "" || host === "localhost" || host.endsWith(".localhost") ||
    host.startsWith("[") || /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/.test(host);
}

/** Decodes a part of a path. @returns `""` if the percent-encoding is malformed. */
export function decodePathPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
