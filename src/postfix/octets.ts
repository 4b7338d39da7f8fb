/**
 * Octets in the buffer where they were received, compared and hashed without making text of them. A
 * repeated query, which nearly every query is, then allocates no memory.
 *
 * @module
 */

/** A part of a buffer, which its owner will reuse. */
export interface Octets {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** A view over the same bytes. */
  readonly view: DataView;
  /** Index of the first octet. */
  readonly from: number;
  /** Index after the last octet. */
  readonly to: number;
}

const encoder = new TextEncoder();
/** Without `ignoreBOM` a decoder drops a BOM, which is part of the text here. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;
/** Set in the small letters of ASCII, not in the capitals. */
const ASCII_CASE_BIT = 0x20;

const NOT_ASCII = /[\u0080-\uffff]/;

/** Octets of a word. */
const WORD = 4;

/** Odd, so that multiplying loses no bit, and with well mixed bits, so that it spreads differences. */
const HASH_FACTOR = 0x9e3779b1 | 0;
const HASH_SHIFT = 15;

/** The octets of a text in UTF-8. */
export function encodeUtf8(text: string): Octets {
  const bytes = encoder.encode(text);
  return { bytes, view: viewOf(bytes), from: 0, to: bytes.length };
}

/** Octets of a text in UTF-8. The usual text, all of it ASCII, is not encoded to find out. */
export function utf8Length(text: string): number {
  return NOT_ASCII.test(text) ? encoder.encode(text).length : text.length;
}

/** A view over the whole of an array. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Reads octets as UTF-8; malformed octets become U+FFFD. */
export function decodeUtf8({ bytes, from, to }: Octets): string {
  return decoder.decode(bytes.subarray(from, to));
}

/**
 * Makes a copy to compare with: the number of octets, then all of them in words. The last word ends with the
 * last octet, so it may overlap the one before. For fewer octets than a word, only the number is kept.
 */
export function toWords({ view, from, to }: Octets): Int32Array {
  const length = to - from;
  const words = new Int32Array(length < WORD ? 1 : 1 + Math.ceil(length / WORD));
  words[0] = length;
  let index = 1;
  for (let at = from; at < to - WORD; at += WORD) words[index++] = view.getInt32(at);
  if (length >= WORD) words[index] = view.getInt32(to - WORD);
  return words;
}

/** Whether {@link toWords} made the words of the same octets. Always false for fewer octets than a word. */
export function areWords({ view, from, to }: Octets, words: Int32Array): boolean {
  if (words[0] !== to - from || to - from < WORD) return false;
  let index = 1;
  for (let at = from; at < to - WORD; at += WORD) {
    if (words[index++] !== view.getInt32(at)) return false;
  }
  return words[index] === view.getInt32(to - WORD);
}

/**
 * Copies octets, with ASCII capitals from `start` on in lower case.
 *
 * @param octets What to read.
 * @param options `start`: index of the first octet to fold. `into`: where to write, from its first octet on; the caller may reuse it.
 * @returns The folded octets in `into`; `undefined` if there is no capital to fold, or if `into` is too small.
 */
export function foldCase(
  { bytes, from, to }: Octets,
  { start, into }: { start: number; into: Octets },
): Octets | undefined {
  let at = start;
  while (at < to && !isCapital(bytes[at]!)) at++;
  const length = to - from;
  if (at >= to || length > into.bytes.length) return undefined;
  for (let index = 0; index < length; index++) into.bytes[index] = bytes[from + index]!;
  for (; at < to; at++) {
    const octet = bytes[at]!;
    if (isCapital(octet)) into.bytes[at - from] = octet | ASCII_CASE_BIT;
  }
  return { ...into, from: 0, to: length };
}

function isCapital(octet: number): boolean {
  return octet >= CAPITAL_A && octet <= CAPITAL_Z;
}

/** The hash of octets, for a map. It is not cryptographic: collisions are easy to find. */
export function hashOctets({ view, from, to }: Octets): number {
  let hash = to - from;
  if (hash < WORD) return hash;
  for (let at = from; at < to - WORD; at += WORD) {
    hash = Math.imul(hash ^ view.getInt32(at), HASH_FACTOR);
    hash ^= hash >>> HASH_SHIFT;
  }
  return Math.imul(hash ^ view.getInt32(to - WORD), HASH_FACTOR);
}
