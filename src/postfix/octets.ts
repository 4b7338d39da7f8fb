/**
 * Octets where they were received, and what can be told of them without making text. Asking for what
 * is answered already, nearly all there is to do, then takes no memory at all.
 *
 * @module
 */

/** A part of a buffer, which whoever received it will use again. */
export interface Octets {
  readonly bytes: Uint8Array;
  /** The first octet, and the one behind the last. */
  readonly from: number;
  readonly to: number;
}

const encoder = new TextEncoder();
/** Without `ignoreBOM` a decoder swallows a BOM, which is part of the text here. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** FNV-1a, 32 bits: enough to find an entry, which is then compared. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;

/** The octets of a text in UTF-8. */
export function encodeUtf8(text: string): Octets {
  const bytes = encoder.encode(text);
  return { bytes, from: 0, to: bytes.length };
}

/** Reads octets as UTF-8; what is malformed comes as U+FFFD. */
export function decodeUtf8({ bytes, from, to }: Octets): string {
  return decoder.decode(bytes.subarray(from, to));
}

/** Makes text with one char per octet, of as many octets as a call can have arguments: some thousands. */
export function toChars({ bytes, from, to }: Octets): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}

/** Tells whether {@link toChars} would give this text. */
export function areChars({ bytes, from, to }: Octets, text: string): boolean {
  if (text.length !== to - from) return false;
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== bytes[from + at]) return false;
  }
  return true;
}

/** A number for a map. Others than the sender's can be found with the same one, by whoever tries. */
export function hashOctets({ bytes, from, to }: Octets): number {
  let hash = HASH_START;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, HASH_FACTOR);
  return hash;
}
