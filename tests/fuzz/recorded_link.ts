/**
 * A connection on which the other side says what a test has recorded.
 *
 * @module
 */

/** Creates the connection. @param piece Octets that one read returns at most. */
export function createRecordedLink(bytes: Uint8Array, piece: number) {
  let at = 0;
  return {
    read(buffer: Uint8Array): Promise<number | null> {
      const part = bytes.subarray(at, at + Math.min(piece, buffer.length));
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    write: () => Promise.resolve(),
    close(): void {},
  };
}
