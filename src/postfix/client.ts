/**
 * A socketmap client for the `query` command and for health checks. Like Postfix, it uses one connection
 * and sends one request at a time.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import { type Clock, createClock } from "../base/clock.ts";
import { withConnection, writeAll } from "../base/connection.ts";
import { messageOf } from "../base/error_text.ts";
import { encodeNetstring, NetstringDecoder } from "./netstring.ts";
import { decodeUtf8, type Octets } from "./octets.ts";
import { MAX_REPLY_BYTES } from "./socketmap.ts";

/** How {@link querySocketmap} asks. */
export interface QueryOptions {
  /** The time limit for connecting and all replies together, ms. */
  readonly timeout: number;
  /** Bounds the exchange. @default {The real clock.} */
  readonly clock?: Clock;
  /** Octets of the longest reply that is accepted. @default {MAX_REPLY_BYTES} */
  readonly maxReply?: number;
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
  { timeout, clock = createClock(), maxReply = MAX_REPLY_BYTES }: QueryOptions,
): Promise<string[]> {
  const requests = keys.map((key) => `${mapName} ${key}`);
  try {
    const decoder = new NetstringDecoder(maxReply);
    const talk = (conn: Deno.Conn) => ask(conn, requests, decoder);
    return await withConnection(address, talk, { ms: timeout, clock });
  } catch (error) {
    throw new Error(`Cannot query ${formatEndpoint(address)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function ask(
  conn: Deno.Conn,
  requests: readonly string[],
  decoder: NetstringDecoder,
): Promise<string[]> {
  const replies: string[] = [];
  for (const request of requests) {
    await writeAll(conn, encodeNetstring(request));
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
