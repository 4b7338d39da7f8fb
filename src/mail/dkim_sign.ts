/**
 * Signs a message (RFC 6376, RFC 8463): relaxed/relaxed, the whole body, every header field.
 *
 * @module
 */

import type { HeaderField, Message } from "./compose.ts";
import { relaxBody, signedText } from "./dkim_canon.ts";
import type { DkimKey } from "./dkim_key.ts";

/** Who signs, and when. */
export interface SigningOptions {
  /** The private key; its algorithm becomes the tag `a`. */
  readonly key: DkimKey;
  /** The domain that answers for the message (tag `d`). */
  readonly domain: string;
  /** Where verifiers find the public key: `<selector>._domainkey.<domain>` (tag `s`). */
  readonly selector: string;
  /** ms since the epoch. */
  readonly time: number;
}

/** Characters of a folded line of the signature. */
const FOLD = /.{1,72}/g;

/**
 * Signs a message.
 *
 * @returns The message with its `DKIM-Signature` before all other fields.
 */
export async function signMessage(message: Message, options: SigningOptions): Promise<Message> {
  const { key, domain, selector, time } = options;
  const octets = new TextEncoder().encode(relaxBody(message.body));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
  const names = message.headers.map(([name]) => name.toLowerCase());
  // Once more than it is there: no second From can be added (RFC 6376 §8.15).
  names.push("from");
  const value = [
    `v=1; a=${key.type}-sha256; c=relaxed/relaxed; d=${domain};\r\n`,
    ` s=${selector}; t=${Math.floor(time / 1000)};\r\n`,
    ` h=${foldNames(names)};\r\n`,
    ` bh=${digest.toBase64()};\r\n b=`,
  ].join("");
  const unsigned: HeaderField = ["DKIM-Signature", value];
  const text = signedText(message.headers, names, { signature: unsigned });
  const signature = await signText(text, key);
  const folded = (signature.match(FOLD) ?? []).join("\r\n ");
  return { ...message, headers: [["DKIM-Signature", value + folded], ...message.headers] };
}

/**
 * Signs text with SHA-256.
 *
 * @returns Base64.
 */
export async function signText(text: string, { type, privateKey }: DkimKey): Promise<string> {
  const octets = new TextEncoder().encode(text);
  // RFC 8463 §3: Ed25519 signs the hash.
  const data = type === "ed25519" ? await crypto.subtle.digest("SHA-256", octets) : octets;
  const signature = await crypto.subtle.sign(privateKey.algorithm.name, privateKey, data);
  return new Uint8Array(signature).toBase64();
}

/** Names with colons, a few a line. */
function foldNames(names: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += NAMES_PER_LINE) {
    lines.push(names.slice(at, at + NAMES_PER_LINE).join(":"));
  }
  return lines.join(":\r\n ");
}

/** Names of header fields on one line: below 78 characters with the longest. */
const NAMES_PER_LINE = 3;
