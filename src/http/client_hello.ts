/**
 * The name a TLS client asks for, read from its ClientHello (RFC 8446 §4.1.2, RFC 6066 §3).
 *
 * The runtime's TLS server has one certificate for all clients, so the certificate must be chosen
 * before that server sees the connection. These bytes decide nothing else: TLS reads them again.
 *
 * @module
 */

/** What the first bytes of a connection say. */
export type HelloReading =
  /** Lower-case, as sent; `undefined` if the client asks for no name. */
  | { readonly kind: "hello"; readonly name: string | undefined }
  /** More bytes are needed. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid" };

/** All records of a ClientHello, bytes. Real ones have up to 2 KiB. */
export const HELLO_MAX_BYTES = 16 * 1024;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;
const RECORD_HEADER_BYTES = 5;

/** The fatal alert `unrecognized_name` as a record (RFC 8446 §6.2, RFC 6066 §3). */
export const UNRECOGNIZED_NAME_ALERT = Uint8Array.of(21, 3, 3, 0, 2, 2, 112);

/** Reads the bytes received so far, at most {@link HELLO_MAX_BYTES}. Never throws. */
export function readClientHello(bytes: Uint8Array): HelloReading {
  try {
    const message = joinRecords(bytes);
    if (message === undefined) return { kind: "incomplete" };
    return { kind: "hello", name: serverName(new Cursor(message)) };
  } catch (error) {
    if (error instanceof RangeError) return { kind: "invalid" };
    throw error;
  }
}

/**
 * The handshake message at the start, which may be spread over records.
 *
 * @returns `undefined` if it is not complete yet.
 * @throws {RangeError} If these are not the records of a ClientHello.
 */
function joinRecords(bytes: Uint8Array): Uint8Array | undefined {
  const message: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0);
    if (bytes[at] !== HANDSHAKE_RECORD) throw new RangeError("Not a handshake record");
    const content = bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length);
    message.push(...content);
    if (message.length > 0 && message[0] !== CLIENT_HELLO) {
      throw new RangeError("Not a ClientHello");
    }
    const [, high = 0, middle = 0, low = 0] = message;
    const wanted = 4 + (high << 16) + (middle << 8) + low;
    if (wanted > HELLO_MAX_BYTES) throw new RangeError("ClientHello is too large");
    if (message.length >= 4 && message.length >= wanted) {
      return Uint8Array.from(message.slice(4, wanted));
    }
    at += RECORD_HEADER_BYTES + length;
  }
  return undefined;
}

/** @throws {RangeError} If the message ends before its parts do. */
function serverName(hello: Cursor): string | undefined {
  hello.take(2 + 32); // legacy_version, random
  hello.take(hello.number(1)); // legacy_session_id
  hello.take(hello.number(2)); // cipher_suites
  hello.take(hello.number(1)); // legacy_compression_methods
  if (hello.atEnd) return undefined;
  const extensions = new Cursor(hello.take(hello.number(2)));
  while (!extensions.atEnd) {
    const type = extensions.number(2);
    const data = new Cursor(extensions.take(extensions.number(2)));
    if (type !== SERVER_NAME_EXTENSION) continue;
    const names = new Cursor(data.take(data.number(2)));
    while (!names.atEnd) {
      const kind = names.number(1);
      const name = names.take(names.number(2));
      if (kind === HOST_NAME) return String.fromCharCode(...name).toLowerCase();
    }
  }
  return undefined;
}

/** Reads bytes in order, and throws when none are left. */
class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new RangeError("Unexpected end of ClientHello");
    this.#at += length;
    return taken;
  }

  /** A number of `size` bytes, most significant first. */
  number(size: number): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0);
  }
}
