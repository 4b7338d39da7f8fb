/**
 * A seeded generator for property tests: the same seed gives the same run on every machine.
 *
 * @module
 */

/** Draws from one reproducible sequence. */
export interface Random {
  /** An integer from 0 to `n - 1`. */
  int(n: number): number;
  /** One item of a list that is not empty. */
  pick<T>(items: readonly T[]): T;
  /** `n` octets. */
  bytes(n: number): Uint8Array<ArrayBuffer>;
  /** `n` characters of `alphabet`; without one, any UTF-16 units, lone surrogates included. */
  string(n: number, alphabet?: string): string;
  /** `text` with one to four units removed, doubled, exchanged or replaced by any of `alphabet`. */
  mutate(text: string, alphabet?: string): string;
}

/** Units that make parsers stumble, with some of every kind. */
const AWKWARD =
  '\0\t\n\v\f\r "%*+,-./:;<=>?@[\\]_{}09azAZ\x7f\x85\xa0é\u200b\u2028\u212a\ufeff\ufffd\ud800';

/**
 * Creates a generator.
 *
 * @param seed Any integer; print it where a failure must be reproduced.
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;

  /** The next 32 bits: a counter by a Weyl step, mixed until every input bit reaches every output bit. */
  function next(): number {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return (bits ^ (bits >>> 15)) >>> 0;
  }

  const int = (n: number): number => Math.floor(next() / 2 ** 32 * n);

  const unit = (alphabet?: string): string =>
    alphabet === undefined
      ? String.fromCharCode(int(0x10000))
      : alphabet.charAt(int(alphabet.length));

  function mutateOnce(text: string, alphabet: string): string {
    const at = int(text.length + 1);
    const [head, tail] = [text.slice(0, at), text.slice(at)];
    switch (int(4)) {
      case 0:
        return head + tail.slice(1 + int(3));
      case 1:
        return head + tail.slice(0, 1 + int(8)) + tail;
      case 2:
        return head + unit(alphabet) + tail;
      default:
        return head + unit(alphabet) + tail.slice(1);
    }
  }

  return {
    int,
    pick: <T>(items: readonly T[]): T => items[int(items.length)] as T,
    bytes: (n) => Uint8Array.from({ length: n }, () => int(256)),
    string: (n, alphabet) => Array.from({ length: n }, () => unit(alphabet)).join(""),
    mutate(text, alphabet = AWKWARD) {
      for (let left = 1 + int(4); left > 0; left--) text = mutateOnce(text, alphabet);
      return text;
    },
  };
}
