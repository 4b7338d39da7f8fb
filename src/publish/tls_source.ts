/**
 * Connections with TLS for the HTTP server, each with the certificate of the host that the client
 * names (RFC 8461 §7.1); a client that names another is refused.
 *
 * A connection is handed on at once and begins TLS with its first read, so that the time and the
 * number of connections in that state are limited as those of all others.
 *
 * @module
 */

import type { HttpSource } from "../monitor/http_server.ts";
import type { Log, Metrics } from "../monitor/types.ts";
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

type Conn = Awaited<ReturnType<HttpSource["accept"]>>;

/** Pieces in which a ClientHello may arrive: real ones come in one to three. */
const HELLO_MAX_READS = 16;

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
    let session: TlsSession | undefined;
    try {
      session = await acceptTls(tcp, { received: bytes, certificate });
      await session.conn.handshake();
      return session;
    } catch (error) {
      const step = session === undefined ? "start" : "handshake";
      meters[step].value++;
      const level = step === "start" ? "error" : "debug";
      options.log[level]("tls failed", { peer, step, error: String(error) });
      session?.close();
      return undefined;
    }
  }

  return (listener) => ({
    accept: async () => new LazyTlsConn(await listener.accept(), begin),
    close: () => listener.close(),
  });
}

/** A connection that speaks TLS from its first read on. */
class LazyTlsConn implements Conn {
  readonly remoteAddr: Deno.Addr;
  readonly #tcp: Deno.TcpConn;
  readonly #begin: (tcp: Deno.TcpConn) => Promise<TlsSession | undefined>;
  #session: TlsSession | undefined;
  #closed = false;

  constructor(tcp: Deno.TcpConn, begin: (tcp: Deno.TcpConn) => Promise<TlsSession | undefined>) {
    this.remoteAddr = tcp.remoteAddr;
    this.#tcp = tcp;
    this.#begin = begin;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.#session === undefined) {
      const session = await this.#begin(this.#tcp);
      if (session === undefined) return null;
      this.#session = session;
      if (this.#closed) session.close();
    }
    return await this.#session.conn.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#open.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#open.closeWrite();
  }

  close(): void {
    this.#closed = true;
    tryClose(this.#tcp);
    this.#session?.close();
  }

  get #open(): Deno.TlsConn {
    if (this.#session === undefined) throw new TypeError("Cannot write before TLS has begun");
    return this.#session.conn;
  }
}

/** Reads the ClientHello. @returns What it says, and all bytes read. @throws {Error} If the connection fails. */
async function receiveClientHello(
  conn: Deno.Conn,
): Promise<{ readonly hello: HelloReading; readonly bytes: Uint8Array }> {
  const buffer = new Uint8Array(HELLO_MAX_BYTES);
  let hello: HelloReading = { kind: "incomplete" };
  let used = 0;
  for (let reads = 0; reads < HELLO_MAX_READS && hello.kind === "incomplete"; reads++) {
    const count = await conn.read(buffer.subarray(used));
    if (count === null || count === 0) break;
    used += count;
    hello = readClientHello(buffer.subarray(0, used));
  }
  return { hello, bytes: buffer.subarray(0, used) };
}
