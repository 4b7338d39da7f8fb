/**
 * A policy file of our own, read as the policies of others are.
 *
 * @module
 */

import { parsePolicy } from "../sts/policy.ts";
import type { Policy } from "../sts/policy.ts";

/** Decodes a file as UTF-8; a byte order mark stays, and spoils it (RFC 8461 §3.2). */
export function decodePolicy(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Parses a policy; `undefined` if it is none. */
export function tryParse(text: string): Policy | undefined {
  try {
    return parsePolicy(text);
  } catch {
    // The linter tells what is wrong.
    return undefined;
  }
}
