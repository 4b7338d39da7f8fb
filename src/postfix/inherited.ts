/**
 * Listening TCP and UNIX sockets that the process was started with: socket activation. The service
 * manager that passed them keeps them open, so that clients wait while the daemon restarts.
 *
 * Deno takes over such a socket only through `node:net`, which accepts as fast as clients connect.
 * Clients for whom there is no room yet wait here instead of in the kernel. Out of file descriptors,
 * `node:net` stops accepting and reports nothing: only the watchdog notices.
 *
 * @module
 */

import type { Server, Socket } from "node:net";
import type { Endpoint } from "../base/address.ts";
import type { Stream } from "./connection.ts";
import type { ConnectionSource } from "./listen.ts";

/** A listening socket that the process inherited. */
export interface InheritedSocket {
  /** The file descriptor. */
  readonly fd: number;
  /** `FileDescriptorName=` of the socket unit, by default the unit's own name. */
  readonly name: string;
}

/** An inherited socket after {@link adoptSocket}. */
export interface AdoptedSocket extends ConnectionSource {
  /** Where clients reach it; `undefined` for a UNIX socket whose name is not its path. */
  readonly address: Endpoint | undefined;
}

/** Clients that may wait: as many as are served by default. Each costs a file descriptor. */
const MAX_WAITING = 1024;

/**
 * Takes over a listening socket.
 *
 * @throws {Error} With one line for the operator, if it is not a listening socket.
 */
export async function adoptSocket({ fd, name }: InheritedSocket): Promise<AdoptedSocket> {
  // Most daemons open their sockets themselves: they do not load this.
  const { createServer } = await import("node:net");
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ fd }, listening.resolve);
  try {
    await listening.promise;
  } catch (error) {
    throw new Error(
      `Cannot take over socket ${fd} ('${name}'): it is not a listening stream socket: ` +
        "check the socket unit",
      { cause: error },
    );
  }
  return new Adopted(server, name);
}

class Adopted implements AdoptedSocket {
  readonly address: Endpoint | undefined;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  /** The call that waits for the next client: at most one. */
  #accepting: PromiseWithResolvers<Stream> | undefined;
  #closed = false;

  constructor(server: Server, name: string) {
    this.#server = server;
    this.address = addressOf(server) ??
      (name.startsWith("/") ? { kind: "unix", path: name } : undefined);
    server.on("connection", (socket) => this.#arrived(socket));
  }

  accept(): Promise<Stream> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("Listener is closed"));
    const socket = this.#waiting.shift();
    if (socket !== undefined) return Promise.resolve(new NodeStream(socket));
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    this.#accepting?.reject(new Deno.errors.Interrupted("Listener is closed"));
  }

  #arrived(socket: Socket): void {
    // The reader gets the error. Without a listener, Node ends the process.
    socket.on("error", () => {});
    const accepting = this.#accepting;
    this.#accepting = undefined;
    if (accepting !== undefined) accepting.resolve(new NodeStream(socket));
    else if (this.#closed || this.#waiting.length >= MAX_WAITING) socket.destroy();
    else this.#waiting.push(socket);
  }
}

/** @returns `undefined` for a UNIX socket, because Node does not report its path. */
function addressOf(server: Server): Endpoint | undefined {
  const address = server.address();
  if (address === null || typeof address === "string") return undefined;
  return { kind: "inet", hostname: address.address, port: address.port };
}

/** A connection of `node:net` with the methods of a `Deno.Conn`. */
class NodeStream implements Stream {
  readonly #socket: Socket;
  #wake = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    for (const event of ["readable", "end", "close"]) socket.on(event, () => this.#wake());
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    const socket = this.#socket;
    for (;;) {
      const length = Math.min(buffer.length, socket.readableLength);
      const bytes: Uint8Array | null = socket.read(length);
      if (bytes !== null && length > 0) {
        buffer.set(bytes);
        return length;
      }
      if (socket.errored !== null) throw socket.errored;
      if (socket.readableEnded || socket.destroyed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
