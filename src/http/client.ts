/**
 * An HTTP client for the HTTP surface of a daemon, over TCP or a UNIX socket. It serves health checks in
 * images that have no other client.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";

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
 * @param options `timeout` is the time limit for everything together, ms.
 * @throws {Error} With one line if there is no complete HTTP reply in time.
 */
export async function httpGet(
  address: Endpoint,
  path: string,
  { timeout }: { timeout: number },
): Promise<HttpAnswer> {
  const connecting: Promise<Deno.Conn> = address.kind === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.hostname, port: address.port });
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => expired.reject(new Error(`no reply within ${timeout} ms`)),
    timeout,
  );
  try {
    return await Promise.race([connecting.then((conn) => ask(conn, path)), expired.promise]);
  } finally {
    clearTimeout(timer);
    connecting.then((conn) => conn.close(), () => {});
  }
}

async function ask(conn: Deno.Conn, path: string): Promise<HttpAnswer> {
  const encoder = new TextEncoder();
  let unsent = encoder.encode(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  while (unsent.length > 0) unsent = unsent.subarray(await conn.write(unsent));
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
