/**
 * Helpers for connections: connect and talk within a time, write all octets, and close what may be closed already.
 *
 * @module
 */

import type { Endpoint } from "./address.ts";
import { type WaitOptions, withDeadline } from "./wait.ts";

/**
 * Connects to a daemon, talks to it, and closes the connection.
 *
 * @param talk The conversation; its result is the result of the call.
 * @param options How long connecting and talking may take together.
 * @throws {Error} With one line if the daemon cannot be reached, `talk` fails, or the time is over.
 */
export async function withConnection<T>(
  address: Endpoint,
  talk: (conn: Deno.Conn) => Promise<T>,
  options: WaitOptions,
): Promise<T> {
  const connecting: Promise<Deno.Conn> = address.kind === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.hostname, port: address.port });
  const talking = connecting.then(talk).then((result) => ({ result }));
  try {
    const done = await withDeadline(talking, options);
    if (done === undefined) throw new Error(`no reply within ${options.ms} ms`);
    return done.result;
  } finally {
    connecting.then((conn) => tryClose(conn), () => {});
  }
}

/** Writes all octets, in as many writes as the system needs. */
export async function writeAll(
  conn: Pick<Deno.Conn, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Writes all octets before it returns. */
export function writeAllSync(
  writer: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) at += writer.writeSync(bytes.subarray(at));
}

/** Closes a resource that may be closed already. */
export function tryClose(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // It is closed, or has been taken over by TLS.
  }
}
