/**
 * Takes `fetch` to connections of our own making: a SOCKS5 server on loopback, for this process alone.
 *
 * `fetch` takes a name and connects to whatever the system's resolver says it is. Through the relay it
 * speaks to the address that was looked up and judged before, over a connection that stands already.
 * TLS runs from `fetch` to the policy host: the relay sees ciphertext, and the certificate is checked
 * for the name, as without it.
 *
 * Others on this machine can connect to the port, too. They get nowhere without the secret, which is
 * drawn anew with each relay; with it they would get what a fetch under way was about to use, and
 * nothing else. How many of them are listened to, and for how long, is bounded.
 *
 * Why SOCKS5, when HTTP's CONNECT would do: see `route.ts`.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { tryClose } from "../base/connection.ts";
import type { Connected } from "./connect.ts";
import { CONNECTED_REPLY, receiveRequest } from "./socks.ts";
import { type Pin, type Way, Ways } from "./ways.ts";

/** How long a client may take to say what it wants, ms; ours takes less than one. */
const HANDSHAKE_MS = 2000;

/** Clients that may be about it at once, beside those of our fetches; one more displaces the oldest. */
const STRANGERS_MAX = 64;

/** Pause after a failed accept, ms: out of files, it fails again at once. */
const ACCEPT_RETRY_MS = 100;

/** What is read at once, bytes: a request is below 1 KiB, a handshake with a chain of certificates 4 KiB. */
const BUFFER_BYTES = 4096;

/** Buffers kept for the next connections: a new one each time costs 30 MB of garbage at full speed. */
const SPARE_BUFFERS_MAX = 64;

/** Octets of the secret. */
const SECRET_BYTES = 24;

/** The port of HTTPS; a policy host has no other (RFC 8461 §3.3). */
const PORT = 443;

/** A running relay. */
export interface Relay {
  /** The way to it, for `Deno.createHttpClient`. */
  readonly proxy: Deno.Proxy;
  /**
   * Keeps a connection for the next request for `host`; it ends with the pin, whether it was asked for or
   * not. A request says for which host it is, not for which fetch: so fetches from one host take turns.
   *
   * @param options How to connect, once it is this fetch's turn, and what ends the wait for that.
   * @returns `undefined` when the wait was ended.
   */
  pin(
    host: string,
    options: { readonly connect: () => Promise<Connected>; readonly signal: AbortSignal },
  ): Promise<Pin | undefined>;
  /** Ends the relay and every connection through it. */
  close(): void;
}

/** What {@link createRelay} needs. */
export interface RelayOptions {
  readonly clock: Clock;
  /** Fetches under way at once. */
  readonly concurrency: number;
}

/**
 * Opens a relay on a free port of loopback.
 *
 * @throws {Error} If there is none to be had.
 */
export function createRelay({ clock, concurrency }: RelayOptions): Relay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const credentials = { username: "fetch", password: randomText() };
  const ways = new Ways(clock);
  /** Connections whose client has not said what it wants, oldest first. */
  const unnamed = new Set<Deno.TcpConn>();
  const spare: Uint8Array[] = [];
  let isClosed = false;
  acceptAll();

  async function acceptAll(): Promise<void> {
    while (!isClosed) {
      try {
        serve(await listener.accept());
      } catch {
        if (isClosed) return;
        await new Promise<void>((resolve) => clock.setTimer(resolve, ACCEPT_RETRY_MS));
      }
    }
  }

  async function serve(client: Deno.TcpConn): Promise<void> {
    const way = await askFor(client);
    const outcome = await way?.connecting;
    if (outcome?.kind === "connected") await relay(client, outcome.conn, spare);
    // Each connection is closed once: a second time throws, and that costs more than closing.
    if (way === undefined) tryClose(client);
    else ways.end(way);
  }

  /** Hears what a client wants. @returns The way it may have, if any. */
  async function askFor(client: Deno.TcpConn): Promise<Way | undefined> {
    if (unnamed.size >= STRANGERS_MAX + concurrency) displaceOldest();
    unnamed.add(client);
    const cancelTimer = clock.setTimer(() => tryClose(client), HANDSHAKE_MS);
    try {
      client.setNoDelay(true);
      const target = await receiveRequest(client, credentials);
      const way = target?.port === PORT ? ways.take(target.host) : undefined;
      way?.own(client);
      return way;
    } catch {
      // It went, or was displaced.
      return undefined;
    } finally {
      cancelTimer();
      unnamed.delete(client);
    }
  }

  function displaceOldest(): void {
    for (const oldest of unnamed) {
      unnamed.delete(oldest);
      return tryClose(oldest);
    }
  }

  return {
    proxy: {
      transport: "socks5",
      url: `socks5://127.0.0.1:${listener.addr.port}`,
      basicAuth: credentials,
    },
    pin: (host, way) => ways.pin(host, way),
    close(): void {
      isClosed = true;
      listener.close();
      for (const conn of unnamed) tryClose(conn);
      ways.close();
    },
  };
}

/**
 * Copies octets both ways until the client ends. Closing the connections is the caller's.
 *
 * @param spare Buffers that nobody uses; those used are added.
 */
async function relay(
  client: Deno.TcpConn,
  host: Deno.TcpConn,
  spare: Uint8Array[],
): Promise<void> {
  try {
    // The request's second small write must not wait for an ACK of the first, here as little as there.
    host.setNoDelay(true);
    await client.write(CONNECTED_REPLY);
    copy(host, client, spare).then(() => client.closeWrite()).catch(() => tryClose(client));
    await copy(client, host, spare);
  } catch {
    // A reset on either side ends both.
  }
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn, spare: Uint8Array[]): Promise<void> {
  const buffer = spare.pop() ?? new Uint8Array(BUFFER_BYTES);
  try {
    for (;;) {
      const read = await from.read(buffer);
      if (read === null) return;
      for (let at = 0; at < read;) at += await to.write(buffer.subarray(at, read));
    }
  } finally {
    if (spare.length < SPARE_BUFFERS_MAX) spare.push(buffer);
  }
}

function randomText(): string {
  const octets = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
