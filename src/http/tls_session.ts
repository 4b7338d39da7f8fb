/**
 * TLS on the server side of an accepted connection, with a certificate of our choice.
 *
 * The runtime's TLS server takes one certificate, and only connections of its own listener. So each
 * session opens a listener on loopback for a single accept, and copies bytes between the two connections.
 * That costs a millisecond and needs no unstable API. A certificate that has been replaced is not used
 * again.
 *
 * `node:tls` with its `SNICallback` would need none of this. But on Deno 2.9.6 its listener accepts nothing
 * more after the process has run out of file descriptors once, its `handshakeTimeout` leaves the connection
 * open, and a name without a certificate gets the alert `access_denied`.
 *
 * @module
 */

import { tryClose, writeAll } from "../base/connection.ts";
/** Certificate chain and private key, PEM. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** A TLS session with the connections below it. */
export interface TlsSession {
  readonly conn: Deno.TlsConn;
  /** Closes all of them. */
  close(): void;
}

/** Bytes copied at a time: one flight of a handshake, or a usual policy. */
const CHUNK_BYTES = 4 * 1024;

/** What {@link acceptTls} starts with. */
export interface AcceptOptions {
  /** The bytes read off the connection so far. */
  readonly received: Uint8Array;
  readonly certificate: PemPair;
}

/**
 * Begins TLS. The handshake follows with the first read.
 *
 * @throws {Error} If certificate and key cannot be used, or no loopback socket can be opened.
 */
export async function acceptTls(
  tcp: Deno.TcpConn,
  { received, certificate }: AcceptOptions,
): Promise<TlsSession> {
  using listener = listenOnLoopback(certificate);
  const inner = await Deno.connect({ hostname: "127.0.0.1", port: portOf(listener.addr) });
  // The connection is already in the listener's queue, so this does not wait.
  const conn = await acceptFrom(listener, portOf(inner.localAddr));
  // Without this the last bytes wait for an acknowledgement of those before them.
  tcp.setNoDelay(true);
  inner.setNoDelay(true);
  const close = () => {
    for (const socket of [conn, inner, tcp]) tryClose(socket);
  };
  // When one direction fails, the other fails at its next step.
  const failed = (): void => [inner, tcp].forEach(tryClose);
  writeAll(inner, received).then(() => carry(tcp, inner)).catch(failed);
  carry(inner, tcp).catch(failed);
  return { conn, close };
}

/**
 * Opens a TLS server on a free port of loopback.
 *
 * @throws {Error} If certificate and key cannot be used, or there is no free port or file descriptor.
 */
export function listenOnLoopback({ cert, key }: PemPair): Deno.TlsListener {
  return Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert,
    key,
    alpnProtocols: ["http/1.1"],
  });
}

/** Accepts the connection from that port, and closes any other. */
async function acceptFrom(listener: Deno.TlsListener, port: number): Promise<Deno.TlsConn> {
  for (;;) {
    const conn = await listener.accept();
    if (portOf(conn.remoteAddr) === port) return conn;
    conn.close();
  }
}

/** Copies bytes in one direction until the end. */
async function carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) break;
    await writeAll(to, buffer.subarray(0, count));
  }
  await to.closeWrite();
}

function portOf(address: Deno.Addr): number {
  return "port" in address ? address.port : 0;
}
