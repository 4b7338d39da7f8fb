/**
 * TCP and UNIX sockets to listen on.
 *
 * @module
 */

import { formatEndpoint, type ListenAddress } from "../base/address.ts";
import { explainBindError, openSocketFile } from "../base/socket_file.ts";
import type { Stream } from "./connection.ts";

/** What accepts connections; a `Deno.Listener` is one. */
export interface ConnectionSource {
  /** Waits for the next client. Rejects with `Deno.errors.BadResource` or `Interrupted` once closed. */
  accept(): Promise<Stream>;
  /** Stops accepting. */
  close(): void;
}

/** An open socket. */
export interface OpenSocket extends ConnectionSource {
  /** Waits for the next client. */
  accept(): Promise<Deno.Conn>;
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: ListenAddress;
}

type UnixAddress = Extract<ListenAddress, { kind: "unix" }>;

/**
 * Opens a socket to listen on.
 *
 * @returns The open socket; a UNIX socket has its mode.
 * @throws {Error} With one line for the operator: what cannot be done, where, and what to do.
 */
export async function openSocket(address: ListenAddress): Promise<OpenSocket> {
  try {
    return address.kind === "unix" ? await openUnix(address) : await openInet(address);
  } catch (error) {
    throw new Error(
      `Cannot listen on ${formatEndpoint(address)}: ${explainBindError(error, "address")}`,
      {
        cause: error,
      },
    );
  }
}

async function openInet(
  { hostname, port }: Extract<ListenAddress, { kind: "inet" }>,
): Promise<OpenSocket> {
  const listener = await listenTcp(hostname, port);
  return {
    address: { kind: "inet", hostname, port: listener.addr.port },
    async accept() {
      const conn = await listener.accept();
      // Without it, a late reply waits until the client acknowledges the one before.
      conn.setNoDelay();
      return conn;
    },
    close: () => listener.close(),
  };
}

/** Also finds a name that only DNS knows: in this process, the C library asks no DNS (`https/route.ts`). */
async function listenTcp(hostname: string, port: number): Promise<Deno.TcpListener> {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("failed to lookup address"))) {
      throw error;
    }
    const [address] = await Deno.resolveDns(hostname, "A").catch(() => []);
    if (address === undefined) throw error;
    return Deno.listen({ hostname: address, port });
  }
}

async function openUnix(address: UnixAddress): Promise<OpenSocket> {
  const { path, mode } = address;
  const bind = (at: string) => Deno.listen({ transport: "unix", path: at });
  const { socket, release } = await openSocketFile(path, { mode, bind });
  return {
    address,
    accept: () => socket.accept(),
    close() {
      release();
      socket.close();
    },
  };
}
