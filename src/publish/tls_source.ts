/**
 * Connections with TLS for the HTTP server, each with the certificate of the host that the client
 * names (RFC 8461 §7.1); a client that names another is refused.
 *
 * A connection is handed on at once and begins TLS only there, so that the time and the number of
 * connections in that state are limited as those of all others.
 *
 * @module
 */

import type { HttpConn, HttpSource } from "../http/server.ts";
import type { Log, Metrics } from "../base/telemetry.ts";
import { HELLO_MAX_BYTES, readClientHello, UNRECOGNIZED_NAME_ALERT } from "./client_hello.ts";
import type { HelloReading } from "./client_hello.ts";
import { domainOf, formatPeer } from "./policy_site.ts";
import { acceptTls, tryClose, writeAll } from "./tls_session.ts";
import type { PemPair, TlsSession } from "./tls_session.ts";

/** What sources work with. */
export interface TlsSourceOptions {
  /** The certificate for the policy host of a domain. */
  readonly findCertificate: (domain: string) => PemPair | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Pieces in which a ClientHello may arrive: real ones come in one to three. */
const HELLO_MAX_READS = 16;

/** The first buffer for a ClientHello, bytes: most fit in, and a client that says nothing costs no more. */
const HELLO_BUFFER_BYTES = 2048;

/** Creates what turns a TCP listener into a source of connections with TLS. */
export function createTlsSources(
  options: TlsSourceOptions,
): (listener: Deno.TcpListener) => HttpSource {
  const failures = options.metrics.counter(
    "mta_sts_publish_tls_failures_total",
    "Connections to the policy host that came to nothing, by step of TLS.",
    ["step"],
  );
  const meters = {
    hello: failures.cell("hello"),
    name: failures.cell("name"),
    start: failures.cell("start"),
    handshake: failures.cell("handshake"),
  };

  /** Up to the point where the handshake goes on without us. */
  async function begin(tcp: Deno.TcpConn): Promise<TlsSession | undefined> {
    const peer = formatPeer(tcp.remoteAddr);
    const { hello, bytes } = await receiveClientHello(tcp);
    if (hello.kind !== "hello") {
      // Whoever says nothing at all is a health check.
      if (bytes.length > 0) meters.hello.value++;
      return undefined;
    }
    const domain = domainOf(hello.name ?? "");
    const certificate = domain === undefined ? undefined : options.findCertificate(domain);
    if (certificate === undefined) {
      meters.name.value++;
      options.log.info("no certificate", { peer, name: hello.name });
      await writeAll(tcp, UNRECOGNIZED_NAME_ALERT);
      return undefined;
    }
    try {
      return await acceptTls(tcp, { received: bytes, certificate });
    } catch (error) {
      meters.start.value++;
      options.log.error("tls failed", { peer, step: "start", error: String(error) });
      return undefined;
    }
  }

  /** @returns Whether there is TLS now. */
  async function shakeHands({ conn }: TlsSession, peer: Deno.Addr): Promise<boolean> {
    try {
      await conn.handshake();
      return true;
    } catch (error) {
      meters.handshake.value++;
      const fields = { peer: formatPeer(peer), step: "handshake", error: String(error) };
      options.log.debug("tls failed", fields);
      return false;
    }
  }

  return (listener) => ({
    accept: async () => new LazyTlsConn(await listener.accept(), { begin, shakeHands }),
    close: () => listener.close(),
  });
}

/** The two steps to TLS. */
interface Steps {
  /** `undefined` when it comes to nothing. */
  begin(tcp: Deno.TcpConn): Promise<TlsSession | undefined>;
  shakeHands(session: TlsSession, peer: Deno.Addr): Promise<boolean>;
}

/** A connection that has TLS from its first read on. */
class LazyTlsConn implements HttpConn {
  readonly remoteAddr: Deno.Addr;
  readonly #tcp: Deno.TcpConn;
  readonly #steps: Steps;
  #session: TlsSession | undefined;
  #shaken = false;
  #closed = false;

  constructor(tcp: Deno.TcpConn, steps: Steps) {
    this.remoteAddr = tcp.remoteAddr;
    this.#tcp = tcp;
    this.#steps = steps;
  }

  /** Receives the ClientHello. */
  async open(): Promise<boolean> {
    this.#session = await this.#steps.begin(this.#tcp);
    if (this.#closed) this.#session?.close();
    return this.#session !== undefined;
  }

  /** The first one ends the handshake. */
  async read(buffer: Uint8Array): Promise<number | null> {
    this.#shaken ||= await this.#steps.shakeHands(this.#open, this.remoteAddr);
    return this.#shaken ? await this.#open.conn.read(buffer) : null;
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#open.conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#open.conn.closeWrite();
  }

  close(): void {
    this.#closed = true;
    tryClose(this.#tcp);
    this.#session?.close();
  }

  get #open(): TlsSession {
    if (this.#session === undefined) {
      throw new TypeError("Cannot read or write before TLS has begun");
    }
    return this.#session;
  }
}

/** Reads the ClientHello. @returns What it says, and all bytes read. @throws {Error} If the connection fails. */
async function receiveClientHello(
  conn: Deno.Conn,
): Promise<{ readonly hello: HelloReading; readonly bytes: Uint8Array }> {
  let buffer = new Uint8Array(HELLO_BUFFER_BYTES);
  let hello: HelloReading = { kind: "incomplete" };
  let used = 0;
  for (let reads = 0; reads < HELLO_MAX_READS && hello.kind === "incomplete"; reads++) {
    if (used === buffer.length) {
      const larger = new Uint8Array(HELLO_MAX_BYTES);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await conn.read(buffer.subarray(used));
    if (count === null || count === 0) break;
    used += count;
    hello = readClientHello(buffer.subarray(0, used));
  }
  return { hello, bytes: buffer.subarray(0, used) };
}
