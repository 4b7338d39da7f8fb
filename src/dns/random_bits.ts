/**
 * Random numbers of 16 bits, for ids and the choice of a port. They come from the system's generator, so
 * that nobody can predict them (RFC 5452 §9.2). We draw many at a time, because a call for each would cost too much.
 *
 * @module
 */

/** Numbers drawn at a time. */
const DRAWN = 256;

/**
 * Creates a source of numbers that nobody can predict.
 *
 * @returns A function that returns a new number from 0 to 65535 with each call.
 */
export function createRandomBits(): () => number {
  const drawn = new Uint16Array(DRAWN);
  let left = 0;
  return () => {
    if (left === 0) {
      crypto.getRandomValues(drawn);
      left = DRAWN;
    }
    left--;
    const value = drawn[left]!;
    // A used number must not stay in memory.
    drawn[left] = 0;
    return value;
  };
}
