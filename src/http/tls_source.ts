/**
 * Connections with TLS for the HTTP server. Each has the certificate of the host that the client
 * names. A client that names a host without a certificate is refused.
 *
 * The HTTP server gets a connection at once and begins TLS itself. So its limits of time and number
 * hold for connections in the handshake too.
 *
 * @module
 */

import { tryClose, writeAll } from "../base/connection.ts";
import type { HttpConn, HttpSource } from "./server.ts";
import type { Cell, Metric } from "../base/metrics.ts";
import type { Log } from "../base/log.ts";
import { HELLO_MAX_BYTES, readClientHello, UNRECOGNIZED_NAME_ALERT } from "./client_hello.ts";
import type { HelloReading } from "./client_hello.ts";
import { formatPeer } from "./peer.ts";
import { acceptTls } from "./tls_session.ts";
import type { PemPair, TlsSession } from "./tls_session.ts";

/** What {@link createTlsSources} needs. */
export interface TlsSourceOptions {
  /** The certificate for a host, in lower case as the client names it; `undefined` if it names none. */
  readonly findCertificate: (host: string | undefined) => PemPair | undefined;
  /** Counts connections on which TLS failed, with the step as its only label. */
  readonly failures: Metric;
  readonly log: Log;
}

/** Reads that a ClientHello may take: real ones take one to three. */
const HELLO_MAX_READS = 16;

/** The first buffer for a ClientHello, bytes. Most fit in, and a silent client costs no more. */
const HELLO_BUFFER_BYTES = 2048;

/** What accepts connections over TCP; a `Deno.TcpListener` is one. */
export interface TcpSource {
  accept(): Promise<Deno.TcpConn>;
  close(): void;
}

/** The two steps to TLS. */
interface Steps {
  /** Up to the point where the runtime does the handshake; `undefined` if there will be none. */
  begin(tcp: Deno.TcpConn): Promise<TlsSession | undefined>;
  /** @returns Whether the handshake succeeded. */
  shakeHands(session: TlsSession, peer: Deno.Addr): Promise<boolean>;
}

/** The steps that can fail. */
export const TLS_STEPS = ["hello", "name", "start", "handshake"] as const;

/** Counters of connections that failed, by step. */
type FailureMeters = Readonly<Record<(typeof TLS_STEPS)[number], Cell>>;

/** Creates the function that turns a TCP listener into a source of connections with TLS. */
export function createTlsSources(
  options: TlsSourceOptions,
): (listener: TcpSource) => HttpSource {
  const { failures } = options;
  const steps = createSteps(options, {
    hello: failures.cell("hello"),
    name: failures.cell("name"),
    start: failures.cell("start"),
    handshake: failures.cell("handshake"),
  });
  return (listener) => ({
    accept: async () => new LazyTlsConn(await listener.accept(), steps),
    close: () => listener.close(),
  });
}

function createSteps({ findCertificate, log }: TlsSourceOptions, meters: FailureMeters): Steps {
  async function start(
    tcp: Deno.TcpConn,
    options: Parameters<typeof acceptTls>[1],
  ): Promise<TlsSession | undefined> {
    try {
      return await acceptTls(tcp, options);
    } catch (error) {
      meters.start.value++;
      const peer = formatPeer(tcp.remoteAddr);
      log.error("tls failed", { peer, step: "start", error: String(error) });
      return undefined;
    }
  }

  return {
    async begin(tcp): Promise<TlsSession | undefined> {
      const { hello, bytes } = await receiveClientHello(tcp);
      if (hello.kind !== "hello") {
        // A connection without a single byte is a health check.
        if (bytes.length > 0) meters.hello.value++;
        return undefined;
      }
      const certificate = findCertificate(hello.name);
      if (certificate !== undefined) return await start(tcp, { received: bytes, certificate });
      meters.name.value++;
      log.info("no certificate", { peer: formatPeer(tcp.remoteAddr), name: hello.name });
      await writeAll(tcp, UNRECOGNIZED_NAME_ALERT);
      return undefined;
    },
    async shakeHands({ conn }, peer): Promise<boolean> {
      try {
        await conn.handshake();
        return true;
      } catch (error) {
        meters.handshake.value++;
        const fields = { peer: formatPeer(peer), step: "handshake", error: String(error) };
        log.debug("tls failed", fields);
        return false;
      }
    },
  };
}

/** A connection that completes the TLS handshake at its first read. */
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

  /** The first read completes the handshake. */
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
