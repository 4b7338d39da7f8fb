/**
 * Reads the head of a request from a connection. The time is proportional to its length, however small the
 * pieces are in which it arrives.
 *
 * @module
 */

import { MAX_HEAD_BYTES } from "./request.ts";

/** The first buffer for a head, bytes: most heads fit, and a silent client costs no more. */
const HEAD_BUFFER_BYTES = 1024;

/** CRLF CRLF. */
const EMPTY_LINE_BYTES = 4;

const CR = 0x0d;
const LF = 0x0a;

/** A head, and what came with it. */
export interface ReceivedHead {
  /** One char per octet; longer than {@link MAX_HEAD_BYTES} if it does not end before. */
  readonly head: string;
  /** What came after the empty line. */
  readonly rest: Uint8Array;
}

/**
 * Reads up to the empty line.
 *
 * @returns `undefined` if the client closed the connection.
 */
export async function receiveHead(
  conn: Pick<Deno.Conn, "read">,
): Promise<ReceivedHead | undefined> {
  let buffer = new Uint8Array(HEAD_BUFFER_BYTES);
  let length = 0;
  while (length <= MAX_HEAD_BYTES) {
    if (length === buffer.length) buffer = enlarge(buffer);
    const count = await conn.read(buffer.subarray(length, MAX_HEAD_BYTES + 1));
    if (count === null) return undefined;
    // The first octets of the empty line may have arrived before.
    const end = findEmptyLine(buffer.subarray(0, length + count), Math.max(0, length - 3));
    length += count;
    if (end >= 0) {
      const rest = buffer.subarray(end + EMPTY_LINE_BYTES, length);
      return { head: latin1(buffer.subarray(0, end)), rest };
    }
  }
  return { head: latin1(buffer.subarray(0, length)), rest: new Uint8Array() };
}

/**
 * Reads up to the empty line, and drops what came after it.
 *
 * @returns The head as in {@link ReceivedHead}; `undefined` if the client closed the connection.
 */
export async function readHead(conn: Pick<Deno.Conn, "read">): Promise<string | undefined> {
  return (await receiveHead(conn))?.head;
}

function enlarge(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(2 * bytes.length, MAX_HEAD_BYTES + 1));
  larger.set(bytes);
  return larger;
}

/** Where CRLF CRLF begins, at `from` or later; -1 if nowhere. */
function findEmptyLine(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at;
  }
  return -1;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
