/**
 * A socketmap client for the `query` command and for health checks. Like Postfix, it uses one connection
 * and sends one request at a time.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import { encodeNetstring, NetstringDecoder } from "./netstring.ts";
import { decodeUtf8, type Octets } from "./octets.ts";
import { MAX_REPLY_BYTES } from "./socketmap.ts";

/** How {@link querySocketmap} asks. */
export interface QueryOptions {
  /** The time limit for connecting and all replies together, ms. */
  readonly timeout: number;
}

/**
 * Asks a socketmap server.
 *
 * @param address Where it listens.
 * @param mapName What follows the last colon of `socketmap:inet:host:port:name` in `main.cf`.
 * @param keys What to look up, in this order; sent as UTF-8.
 * @returns The payload of each reply in the same order, such as `OK secure match=…` or `NOTFOUND `.
 * @throws {Error} With one line if the server cannot be reached, breaks the protocol, or takes too long.
 */
// deno-lint-ignore layers/parameters -- map name and key are the two words of every request
export async function querySocketmap(
  address: Endpoint,
  mapName: string,
  keys: readonly string[],
  { timeout }: QueryOptions,
): Promise<string[]> {
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => expired.reject(new Error(`no reply within ${timeout} ms`)),
    timeout,
  );
  const connecting: Promise<Deno.Conn> = address.kind === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.hostname, port: address.port });
  const asking = connecting.then((conn) => ask(conn, keys.map((key) => `${mapName} ${key}`)));
  try {
    return await Promise.race([asking, expired.promise]);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot query ${formatEndpoint(address)}: ${detail}`, { cause: error });
  } finally {
    clearTimeout(timer);
    connecting.then((conn) => conn.close(), () => {});
  }
}

async function ask(conn: Deno.Conn, requests: readonly string[]): Promise<string[]> {
  const decoder = new NetstringDecoder(MAX_REPLY_BYTES);
  const replies: string[] = [];
  for (const request of requests) {
    let unsent: Uint8Array = encodeNetstring(request);
    while (unsent.length > 0) unsent = unsent.subarray(await conn.write(unsent));
    let reply: Octets | undefined;
    while ((reply = decoder.next()) === undefined) {
      const count = await conn.read(decoder.space());
      if (count === null) throw new Error("connection closed without a reply");
      decoder.fill(count);
    }
    replies.push(decodeUtf8(reply));
  }
  return replies;
}
