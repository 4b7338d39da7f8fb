/**
 * Leads `fetch` to connections of our own: a SOCKS5 server on loopback, for this process alone.
 *
 * `fetch` takes a name and connects wherever the system's resolver points. Through the relay it talks to the
 * address that was looked up and judged before, over a connection that already stands. TLS runs from `fetch`
 * to the policy host: the relay sees ciphertext, and `fetch` still checks the certificate against the name.
 *
 * Other users of this machine can connect to the port too. Without the secret, which each relay draws anew,
 * they get nowhere. With it they would get a connection that a fetch was about to use, and nothing else.
 * The relay bounds how many of them it listens to, and for how long.
 *
 * `route.ts` says why this is SOCKS5 and not HTTP's CONNECT.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { tryClose } from "../base/connection.ts";
import { sleep } from "../base/wait.ts";
import type { Connected } from "./connect.ts";
import { CONNECTED_REPLY, receiveRequest } from "./socks.ts";
import { type Pin, type Way, Ways } from "./ways.ts";

/** How long a client may take for its handshake, ms. Our own takes less than 1 ms. */
const HANDSHAKE_MS = 2000;

/** Handshakes under way at once, beside those of our own fetches. One more closes the oldest. */
const STRANGERS_MAX = 64;

/** Pause after a failed accept, ms. While the process is out of file descriptors, the next one fails at once. */
const ACCEPT_RETRY_MS = 100;

/** Octets read at once. A request takes less than 1 KiB, a handshake with a chain of certificates 4 KiB. */
const BUFFER_BYTES = 4096;

/** Buffers kept for the next connections. A new one for each would make 30 MB of garbage at full speed. */
const SPARE_BUFFERS_MAX = 64;

/** Octets of the secret. */
const SECRET_BYTES = 24;

/** The port of HTTPS; a policy host has no other (RFC 8461 §3.3). */
const PORT = 443;

/** A running relay. */
export interface Relay {
  /** The way to the relay, for `Deno.createHttpClient`. */
  readonly proxy: Deno.Proxy;
  /**
   * Makes a connection for the next request for `host`. The connection ends with the pin, used or not. A request
   * names its host but not its fetch, so fetches from one host take turns.
   *
   * @param options Connects when this fetch has its turn. The signal ends the wait for the turn.
   * @returns `undefined` if the signal ended the wait.
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
  /** Bounds handshakes, and how long a connection outlives its fetch. */
  readonly clock: Clock;
  /** Fetches under way at once. */
  readonly concurrency: number;
}

/**
 * Opens a relay on a free port of loopback.
 *
 * @throws {Error} If no port is free.
 */
export function createRelay(options: RelayOptions): Relay {
  return new LoopbackRelay(options);
}

class LoopbackRelay implements Relay {
  readonly proxy: Deno.Proxy;
  readonly #clock: Clock;
  readonly #ways: Ways;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #credentials = { username: "fetch", password: randomText() };
  readonly #handshakesMax: number;
  /** Connections in their handshake, oldest first. */
  readonly #handshakes = new Set<Deno.TcpConn>();
  /** Buffers that no connection uses. */
  readonly #spare: Uint8Array[] = [];
  #isClosed = false;

  constructor({ clock, concurrency }: RelayOptions) {
    this.#clock = clock;
    this.#ways = new Ways(clock);
    this.#handshakesMax = STRANGERS_MAX + concurrency;
    this.proxy = {
      transport: "socks5",
      url: `socks5://127.0.0.1:${this.#listener.addr.port}`,
      basicAuth: this.#credentials,
    };
    this.#acceptAll();
  }

  pin(host: string, options: Parameters<Relay["pin"]>[1]): Promise<Pin | undefined> {
    return this.#ways.pin(host, options);
  }

  close(): void {
    this.#isClosed = true;
    this.#listener.close();
    for (const conn of this.#handshakes) tryClose(conn);
    this.#ways.close();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#isClosed) {
      try {
        this.#serve(await this.#listener.accept());
      } catch {
        if (this.#isClosed) return;
        await sleep(ACCEPT_RETRY_MS, this.#clock);
      }
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const way = await this.#admit(client);
    const outcome = await way?.connecting;
    if (outcome?.kind === "connected") await relay(client, outcome.conn, this.#spare);
    // Each connection is closed only once: the exception of a second time costs more than the closing.
    if (way === undefined) tryClose(client);
    else this.#ways.end(way);
  }

  /** Takes a client through its handshake. @returns The way that it asked for, if it may have one. */
  async #admit(client: Deno.TcpConn): Promise<Way | undefined> {
    if (this.#handshakes.size >= this.#handshakesMax) this.#closeOldest();
    this.#handshakes.add(client);
    const cancelTimer = this.#clock.setTimer(() => tryClose(client), HANDSHAKE_MS);
    try {
      client.setNoDelay(true);
      const target = await receiveRequest(client, this.#credentials);
      const way = target?.port === PORT ? this.#ways.take(target.host) : undefined;
      way?.own(client);
      return way;
    } catch {
      // The client is gone, or we closed its connection.
      return undefined;
    } finally {
      cancelTimer();
      this.#handshakes.delete(client);
    }
  }

  #closeOldest(): void {
    for (const oldest of this.#handshakes) {
      this.#handshakes.delete(oldest);
      return tryClose(oldest);
    }
  }
}

/**
 * Copies octets both ways until the client ends. The caller closes the connections.
 *
 * @param spare Buffers to use, and to give back.
 */
async function relay(
  client: Deno.TcpConn,
  host: Deno.TcpConn,
  spare: Uint8Array[],
): Promise<void> {
  try {
    // On neither side may the second small write of a request wait for the ACK of the first.
    host.setNoDelay(true);
    await client.write(CONNECTED_REPLY);
    copy(host, client, spare).then(() => client.closeWrite()).catch(() => tryClose(client));
    await copy(client, host, spare);
  } catch {
    // A reset of either side ends both.
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
