/**
 * Reads a policy file of our own as senders read it.
 *
 * @module
 */

import { parsePolicy } from "../sts/policy.ts";
import type { Policy } from "../sts/policy.ts";

/** Decodes a file as UTF-8. A byte order mark stays, and makes the policy invalid (RFC 8461 §3.2). */
export function decodePolicy(bytes: Uint8Array<ArrayBuffer>): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Parses a policy; `undefined` if it is invalid. */
export function tryParse(text: string): Policy | undefined {
  try {
    return parsePolicy(text);
  } catch {
    // The linter says what is wrong.
    return undefined;
  }
}
