/**
 * An HTTP client for the HTTP surface of a daemon, over TCP or a UNIX socket. It serves health checks in
 * images that have no other client.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import { type Clock, createClock } from "../base/clock.ts";
import { withConnection, writeAll } from "../base/connection.ts";

/** The longest reply that is read, bytes: a health report has a few hundred. */
const MAX_REPLY_BYTES = 65_536;

/** The reply of a daemon. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Makes a GET request.
 *
 * @param address Where the daemon listens.
 * @param path The path, beginning with a slash.
 * @param options The time limit for everything together, ms, and the clock that measures it.
 * @throws {Error} With one line if there is no complete HTTP reply in time.
 */
export async function httpGet(
  address: Endpoint,
  path: string,
  { timeout, clock = createClock() }: { timeout: number; clock?: Clock },
): Promise<HttpAnswer> {
  return await withConnection(address, (conn) => ask(conn, path), { ms: timeout, clock });
}

async function ask(conn: Deno.Conn, path: string): Promise<HttpAnswer> {
  const encoder = new TextEncoder();
  await writeAll(conn, encoder.encode(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`));
  const buffer = new Uint8Array(MAX_REPLY_BYTES);
  let length = 0;
  while (length < buffer.length) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  const text = new TextDecoder().decode(buffer.subarray(0, length));
  const [, status] = /^HTTP\/1\.1 ([0-9]{3}) /.exec(text) ?? [];
  const end = text.indexOf("\r\n\r\n");
  if (status === undefined || end < 0) throw new Error("the reply is not HTTP");
  return { status: parseInt(status, 10), body: text.slice(end + 4) };
}
