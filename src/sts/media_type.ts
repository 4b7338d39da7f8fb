/**
 * The media type of a policy file (RFC 8461 §3.2).
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** A quoted string of RFC 9110 §5.6.4, or one that never ends. */
const QUOTED_STRING = /"(?:[^"\\]|\\.)*"?/g;

/**
 * The media types that a `Content-Type` value names, lower-case, without their parameters: one, or more
 * where header lines have been joined to a list (RFC 9110 §5.3). What is no media type comes as it is.
 */
export function mediaTypes(contentType: string): string[] {
  const unquoted = contentType.replace(QUOTED_STRING, (text) => "_".repeat(text.length));
  return unquoted.split(",").map((member) => {
    const [mediaType = ""] = member.split(";", 1);
    return trimWspStart(trimWspEnd(mediaType)).toLowerCase();
  });
}

/**
 * Tells whether a `Content-Type` value is `text/plain`, in any case and with any parameters
 * (RFC 8461 §3.2). A web server may send it twice, by a common mistake: then each must be.
 */
export function isTextPlain(contentType: string): boolean {
  return mediaTypes(contentType).every((mediaType) => mediaType === "text/plain");
}
