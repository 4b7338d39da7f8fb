/**
 * The media type of a policy file (RFC 8461 §3.2).
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** A quoted string (RFC 9110 §5.6.4), with or without its closing quote. */
const QUOTED_STRING = /"(?:[^"\\]|\\.)*"?/g;

/**
 * The media types that a `Content-Type` value names, in lower case, without their parameters. There is more than
 * one if header lines have been joined to a list (RFC 9110 §5.3). Text that is no media type is returned as well.
 */
export function mediaTypes(contentType: string): string[] {
  const unquoted = contentType.replace(QUOTED_STRING, (text) => "_".repeat(text.length));
  return unquoted.split(",").map((member) => {
    const [mediaType = ""] = member.split(";", 1);
    return trimWspStart(trimWspEnd(mediaType)).toLowerCase();
  });
}

/**
 * Whether a `Content-Type` value is `text/plain`, in any case and with any parameters (RFC 8461 §3.2).
 * By a common mistake, a web server may send the header twice: then each value must be `text/plain`.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 *
 * assert(isTextPlain("Text/Plain; charset=utf-8"));
 * assert(!isTextPlain("text/plain, text/html"));
 * ```
 */
export function isTextPlain(contentType: string): boolean {
  return mediaTypes(contentType).every((mediaType) => mediaType === "text/plain");
}
