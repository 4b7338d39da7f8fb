/**
 * A connection to a PostgreSQL server up to the point where it takes a login: TCP or a socket of the file system, and
 * TLS as `sslmode` of libpq wants it.
 *
 * postgres.js could do this itself, but it tries a list of dead hosts for ever, counts deadlines in seconds, and
 * cannot be made to let go of a connection at once.
 *
 * @module
 */

import { connect, isIP, type Socket } from "node:net";
import { connect as secure } from "node:tls";
import type { Endpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { cutText, escapeMatches } from "../base/quote_text.ts";
import type { PostgresAddress, TlsFiles } from "./engine_address.ts";
import { EngineError } from "./types.ts";

/** A host is given up after this many ms; the next one is tried. */
const HOST_MS = 800;

/** Characters of an error that are kept. */
const MAX_ERROR_CHARS = 200;

/** Asks whether the server has TLS ("SSLRequest" in the protocol's documentation). */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/** How to connect to one host. */
export interface SocketOptions {
  /** Absent: plain text. */
  readonly tls: PostgresAddress["tls"];
  /** The contents of the files in `tls`. */
  readonly tlsFiles: TlsFiles;
  /** Its timer ends the attempt. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/**
 * Connects to a host.
 *
 * @throws {EngineError} `unreachable`, with the reason.
 */
export async function connectPostgres(
  endpoint: Endpoint,
  { tls, tlsFiles, clock, signal }: SocketOptions,
): Promise<Socket> {
  signal.throwIfAborted();
  const where = endpoint.kind === "unix" ? endpoint.path : endpoint.hostname;
  const plain = endpoint.kind === "unix"
    ? connect({ path: endpoint.path })
    : connect({ host: endpoint.hostname, port: endpoint.port, noDelay: true });
  const destroy = () => void plain.destroy(new Error("connection dropped"));
  const cancel = clock.setTimer(
    () => plain.destroy(new Error(`not connected after ${HOST_MS} ms`)),
    HOST_MS,
  );
  signal.addEventListener("abort", destroy);
  try {
    await eventOf(plain, "connect");
    if (tls === undefined || endpoint.kind === "unix") return plain;
    if (!await hasTls(plain)) {
      if (tls.isOptional) return plain.resume();
      throw new Error("the server has no TLS");
    }
    return await startTls(plain, { tls, tlsFiles, hostname: endpoint.hostname });
  } catch (error) {
    plain.destroy();
    const text = cutText(`${where}: ${messageOf(error)}`, MAX_ERROR_CHARS);
    throw new EngineError("unreachable", escapeMatches(text, /[^ -~]/g));
  } finally {
    cancel();
    signal.removeEventListener("abort", destroy);
  }
}

async function hasTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const reply = await eventOf(socket, "data") as Uint8Array;
  socket.pause();
  // More would be text that somebody put in before the encryption begins.
  if (reply.length !== 1) throw new Error("unexpected reply to the request for TLS");
  return reply[0] === 0x53; // S
}

async function startTls(
  socket: Socket,
  { tls, tlsFiles, hostname }: {
    readonly tls: NonNullable<PostgresAddress["tls"]>;
    readonly tlsFiles: TlsFiles;
    readonly hostname: string;
  },
): Promise<Socket> {
  const secured = secure({
    socket,
    host: hostname,
    ...(isIP(hostname) === 0 && { servername: hostname }),
    rejectUnauthorized: tls.verify !== "none",
    ...(tls.verify === "issuer" && { checkServerIdentity: () => undefined }),
    ...(tlsFiles.ca !== undefined && { ca: [...tlsFiles.ca] }),
    ...(tlsFiles.cert !== undefined && { cert: tlsFiles.cert }),
    ...(tlsFiles.key !== undefined && { key: tlsFiles.key }),
    ...(tls.keyPassword !== undefined && { passphrase: tls.keyPassword }),
  });
  await eventOf(secured, "secureConnect");
  return secured;
}

/** Waits for an event of a socket. @returns Its argument. @throws If the socket ends before. */
function eventOf(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = () => {
      socket.off(event, settle).off("error", fail).off("close", close);
      // Without a listener, a late error would be thrown.
      socket.on("error", () => {});
    };
    const settle = (value: unknown) => (end(), resolve(value));
    const fail = (error: Error) => (end(), reject(error));
    const close = () => (end(), reject(new Error("connection closed")));
    socket.once(event, settle).once("error", fail).once("close", close);
  });
}
