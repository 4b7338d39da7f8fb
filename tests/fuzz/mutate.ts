/**
 * Changes inputs at random: octets, pieces, lengths, and parts of other inputs.
 *
 * @module
 */

import type { Random } from "../fakes/random.ts";

/** Octets that readers of all kinds stumble over. */
const AWKWARD = [0, 1, 9, 10, 13, 32, 34, 44, 46, 48, 58, 59, 61, 92, 127, 128, 192, 255];

/** The longest input, bytes: all limits are below it, or a matter of the growth table. */
const MAX_BYTES = 70_000;

/** Copies of a piece, so that counts and sizes come to their limits. */
const MAX_COPIES = 300;

/** Changes an input in one to six ways. @param corpus Not empty. */
export function mutate(
  input: Uint8Array,
  { random, corpus }: { readonly random: Random; readonly corpus: readonly Uint8Array[] },
): Uint8Array {
  let bytes = input;
  for (let left = 1 + random.int(6); left > 0; left--) bytes = change(bytes, random, corpus);
  return bytes.subarray(0, MAX_BYTES);
}

function change(bytes: Uint8Array, random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const at = random.int(bytes.length + 1);
  const length = random.int(Math.min(32, bytes.length - at) + 1);
  const piece = bytes.subarray(at, at + length);
  switch (random.int(9)) {
    case 0: // Another octet.
      return splice(bytes, { at, cut: 1, parts: [Uint8Array.of(random.int(256))] });
    case 1: // An awkward octet more.
      return splice(bytes, { at, cut: 0, parts: [Uint8Array.of(random.pick(AWKWARD))] });
    case 2: // A piece less.
      return splice(bytes, { at, cut: length, parts: [] });
    case 3: // A piece again and again.
      return splice(bytes, {
        at,
        cut: 0,
        parts: new Array(1 + random.int(MAX_COPIES)).fill(piece),
      });
    case 4: // A piece of another input.
      return splice(bytes, { at, cut: 0, parts: [pieceOf(random.pick(corpus), random)] });
    case 5: // The end of another input.
      return splice(bytes, { at, cut: bytes.length, parts: [tailOf(random.pick(corpus), random)] });
    case 6: // Anything.
      return splice(bytes, { at, cut: length, parts: [random.bytes(random.int(16))] });
    case 7: // A bit.
      return splice(bytes, {
        at,
        cut: 1,
        parts: [Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.int(8)))],
      });
    default: // A number of two octets, such as a length.
      return splice(bytes, { at, cut: 2, parts: [random.bytes(2)] });
  }
}

function splice(
  bytes: Uint8Array,
  { at, cut, parts }: { at: number; cut: number; parts: readonly Uint8Array[] },
): Uint8Array {
  const all = [bytes.subarray(0, at), ...parts, bytes.subarray(at + cut)];
  const joined = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of all) {
    joined.set(part, end);
    end += part.length;
  }
  return joined;
}

function pieceOf(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.int(bytes.length + 1);
  return bytes.subarray(at, at + random.int(64));
}

function tailOf(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(random.int(bytes.length + 1));
}

/** Tries to leave parts out as long as the input still fails. */
export async function minimize(
  input: Uint8Array,
  fails: (bytes: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let bytes = input;
  for (let size = bytes.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= bytes.length;) {
      const shorter = splice(bytes, { at, cut: size, parts: [] });
      if (await fails(shorter)) bytes = shorter;
      else at += size;
    }
  }
  return bytes;
}
