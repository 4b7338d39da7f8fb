/**
 * The media type of a policy file (RFC 8461 §3.2).
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "./white_space.ts";

/** A quoted string of RFC 9110 §5.6.4, or one that never ends. */
const QUOTED_STRING = /"(?:[^"\\]|\\.)*"?/g;

/**
 * Tells whether a `Content-Type` value is `text/plain`, in any case and with any parameters
 * (RFC 8461 §3.2). A list, as two header lines make it, is not one media type and refused.
 */
export function isTextPlain(contentType: string): boolean {
  if (contentType.replace(QUOTED_STRING, "").includes(",")) return false;
  const [mediaType = ""] = contentType.split(";", 1);
  return trimWspStart(trimWspEnd(mediaType)).toLowerCase() === "text/plain";
}
