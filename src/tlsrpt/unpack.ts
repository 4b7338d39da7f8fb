/**
 * A report as it comes in a file, a part of a mail or a POST: JSON, or JSON in gzip (RFC 8460 §5.2). The content
 * says which, because labels are wrong too often.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { JSON_MAX_OCTETS } from "./json_text.ts";

/** The largest gzip that is read, octets. Senders stay far below; more is meant to be expensive. */
export const GZIP_MAX_OCTETS: number = 1024 * 1024;

/** What octets are, by their first ones. */
export type Container = "gzip" | "zip" | "json" | "other";

/** JSON text, or why there is none. */
export type Unpacked =
  | { readonly kind: "unpacked"; readonly octets: Uint8Array }
  | { readonly kind: "refused"; readonly fault: "too-large" | "gzip" | "zip" };

/** White space of JSON, and the octets of a byte order mark in UTF-8. */
const SKIPPED = new Set([0x20, 0x09, 0x0d, 0x0a, 0xef, 0xbb, 0xbf]);

/** Octets looked at to tell JSON from other text. */
const LOOK_AHEAD = 1024;

/** Tells the kinds of octets apart (RFC 1952 §2.3.1, the local file header of ZIP, RFC 8259). */
export function containerOf(octets: Uint8Array): Container {
  if (octets[0] === 0x1f && octets[1] === 0x8b) return "gzip";
  if (octets[0] === 0x50 && octets[1] === 0x4b && octets[2]! < 0x09) return "zip";
  const first = octets.subarray(0, LOOK_AHEAD).find((octet) => !SKIPPED.has(octet));
  return first === 0x7b || first === 0x5b ? "json" : "other";
}

/**
 * Takes JSON out of gzip. What is no gzip stays as it is.
 *
 * @returns Never throws, and never makes more than {@link JSON_MAX_OCTETS}.
 */
export function unpack(octets: Uint8Array): Unpacked {
  const container = containerOf(octets);
  if (container === "zip") return { kind: "refused", fault: "zip" };
  if (container !== "gzip") {
    return octets.length > JSON_MAX_OCTETS
      ? { kind: "refused", fault: "too-large" }
      : { kind: "unpacked", octets };
  }
  if (octets.length > GZIP_MAX_OCTETS) return { kind: "refused", fault: "too-large" };
  try {
    return {
      kind: "unpacked",
      octets: gunzipSync(octets, { maxOutputLength: JSON_MAX_OCTETS }),
    };
  } catch (error) {
    return { kind: "refused", fault: error instanceof RangeError ? "too-large" : "gzip" };
  }
}
