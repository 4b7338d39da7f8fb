/**
 * TLS as a server on a connection that has been accepted already, with a certificate of our choice.
 *
 * The runtime's TLS server takes one certificate and the connections of its own listener, nothing
 * else. So each session gets a listener of its own on loopback, which lives for the moment of one
 * accept, and the bytes are carried there and back. That costs a millisecond, needs nothing
 * unstable, and leaves no certificate in use that has been replaced.
 *
 * `node:tls` with its `SNICallback` would need none of this, but on Deno 2.9.6 its listener accepts nothing
 * more once the process has been out of file descriptors for a moment, its `handshakeTimeout` leaves the
 * connection open, and a name without a certificate gets the alert `access_denied`.
 *
 * @module
 */

/** Certificate chain and private key, PEM. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** A TLS session and what it stands on. */
export interface TlsSession {
  readonly conn: Deno.TlsConn;
  /** Ends all of it. */
  close(): void;
}

/** Bytes carried at a time: all of a handshake's part, or of a usual policy. */
const CHUNK_BYTES = 4 * 1024;

/** What a session begins with. */
export interface AcceptOptions {
  /** The bytes read off the connection so far. */
  readonly received: Uint8Array;
  readonly certificate: PemPair;
}

/**
 * Begins TLS; the handshake is still to come.
 *
 * @throws {Error} If certificate and key cannot be used, or loopback sockets cannot be had.
 */
export async function acceptTls(
  tcp: Deno.TcpConn,
  { received, certificate }: AcceptOptions,
): Promise<TlsSession> {
  using listener = listenOnLoopback(certificate);
  const inner = await Deno.connect({ hostname: "127.0.0.1", port: portOf(listener.addr) });
  // The connection is in the listener's queue by now, so this does not wait.
  const conn = await acceptFrom(listener, portOf(inner.localAddr));
  // Without this the last bytes wait for the acknowledgement of those before.
  tcp.setNoDelay(true);
  inner.setNoDelay(true);
  const close = () => {
    for (const socket of [conn, inner, tcp]) tryClose(socket);
  };
  // When one side fails, so does the other at its next step.
  const failed = (): void => [inner, tcp].forEach(tryClose);
  writeAll(inner, received).then(() => carry(tcp, inner)).catch(failed);
  carry(inner, tcp).catch(failed);
  return { conn, close };
}

/**
 * Opens a TLS server on a free port of loopback.
 *
 * @throws {Error} If certificate and key cannot be used, or there is no free port or file.
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

/** The connection from that port; whoever else on this machine connects is turned away. */
async function acceptFrom(listener: Deno.TlsListener, port: number): Promise<Deno.TlsConn> {
  for (;;) {
    const conn = await listener.accept();
    if (portOf(conn.remoteAddr) === port) return conn;
    conn.close();
  }
}

/** Carries bytes one way until there are no more. */
async function carry(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) break;
    await writeAll(to, buffer.subarray(0, count));
  }
  await to.closeWrite();
}

/** Writes all bytes. @throws {Error} If the connection fails. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Closes what may be closed already. */
export function tryClose(socket: { close(): void }): void {
  try {
    socket.close();
  } catch {
    // Closed already.
  }
}

function portOf(address: Deno.Addr): number {
  return "port" in address ? address.port : 0;
}
