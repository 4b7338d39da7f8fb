/**
 * The server side of a SOCKS5 handshake with user name and password (RFC 1928, RFC 1929). It supports what `fetch`
 * needs: CONNECT to a name. Anything else is an error and ends the connection.
 *
 * @module
 */

/** The longest message: user name and password of 255 octets each. */
const MESSAGE_MAX_BYTES = 3 + 255 + 255;

const VERSION = 5;
const AUTH_VERSION = 1;
const METHOD_PASSWORD = 2;
const COMMAND_CONNECT = 1;
const ADDRESS_NAME = 3;

const METHOD_REPLY = Uint8Array.of(VERSION, METHOD_PASSWORD);
const AUTH_REPLY = Uint8Array.of(AUTH_VERSION, 0);

/** Stands for the length of a message that breaks the protocol. */
const WRONG = 0;

/** Says that the connection stands. It names 0.0.0.0:0, because the client need not know our address. */
export const CONNECTED_REPLY: Uint8Array = Uint8Array.of(VERSION, 0, 0, 1, 0, 0, 0, 0, 0, 0);

/** What a client must know. Each part has 1 to 255 ASCII characters. */
export interface Credentials {
  /** User name (RFC 1929, 2), the same in each handshake. */
  readonly username: string;
  /** Password (RFC 1929, 2), secret to this process. */
  readonly password: string;
}

/** Where a client wants to connect. */
export interface Target {
  /** Name of the host, at most 255 octets as the client sent them, one char each (Latin-1). */
  readonly host: string;
  /** TCP port, 0 to 65535. */
  readonly port: number;
}

/** The part of a connection that the handshake uses. */
export type HandshakeStream = Pick<Deno.Conn, "read" | "write">;

/**
 * Does the handshake up to the client's request. The caller replies to that.
 *
 * @returns The target; `undefined` if the client has the wrong credentials, wants something else, or is gone.
 * @throws What reading and writing throw.
 */
export async function receiveRequest(
  stream: HandshakeStream,
  credentials: Credentials,
): Promise<Target | undefined> {
  const buffer = new Uint8Array(MESSAGE_MAX_BYTES);
  const methods = await readMessage(stream, buffer, (size) => {
    if (buffer[0] !== VERSION) return WRONG;
    return size < 2 ? 2 : 2 + buffer[1]!;
  });
  if (!methods?.subarray(2).includes(METHOD_PASSWORD)) return undefined;
  await stream.write(METHOD_REPLY);
  const expected = encodeCredentials(credentials);
  const given = await readMessage(stream, buffer, () => expected.length);
  if (given === undefined || !isEqual(given, expected)) return undefined;
  await stream.write(AUTH_REPLY);
  const request = await readMessage(stream, buffer, (size) => {
    if (size < 5) return 5;
    const isKnown = buffer[0] === VERSION && buffer[1] === COMMAND_CONNECT &&
      buffer[3] === ADDRESS_NAME;
    return isKnown ? 5 + buffer[4]! + 2 : WRONG;
  });
  if (request === undefined) return undefined;
  return {
    host: String.fromCharCode(...request.subarray(5, -2)),
    port: request.at(-2)! * 256 + request.at(-1)!,
  };
}

/**
 * Reads one message. The client sends nothing more before our reply, so a message that is too long breaks the
 * protocol.
 *
 * @param wanted Says from the octets received so far how long the message is; {@link WRONG} ends it.
 */
async function readMessage(
  stream: HandshakeStream,
  buffer: Uint8Array,
  wanted: (size: number) => number,
): Promise<Uint8Array | undefined> {
  for (let size = 0;;) {
    const more = await stream.read(buffer.subarray(size));
    if (more === null) return undefined;
    size += more;
    const whole = wanted(size);
    if (size === whole) return buffer.subarray(0, size);
    if (size > whole || whole > buffer.length) return undefined;
  }
}

function encodeCredentials({ username, password }: Credentials): Uint8Array {
  const text = `${String.fromCharCode(username.length)}${username}` +
    `${String.fromCharCode(password.length)}${password}`;
  return Uint8Array.from([AUTH_VERSION, ...Array.from(text, (unit) => unit.charCodeAt(0))]);
}

/** Compares in a time that does not depend on where the first difference is. */
function isEqual(given: Uint8Array, expected: Uint8Array): boolean {
  if (given.length !== expected.length) return false;
  let difference = 0;
  for (let at = 0; at < given.length; at++) difference |= given[at]! ^ expected[at]!;
  return difference === 0;
}
