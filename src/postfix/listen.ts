/**
 * TCP and UNIX sockets to listen on.
 *
 * A socket file that a killed process left behind is replaced, but only after a refused connection
 * has proven that nobody listens any more. On close, only our own file is removed.
 *
 * @module
 */

import { formatEndpoint, type ListenAddress } from "../base/address.ts";
import { messageOf } from "../base/error_text.ts";
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
    throw new Error(`Cannot listen on ${formatEndpoint(address)}: ${explain(error)}`, {
      cause: error,
    });
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

/**
 * Binds the socket under another name, sets its mode, and only then moves it to its path. So a stale
 * socket is replaced without a gap, and two daemons that start at once exclude each other. The runtime
 * removes the name first bound some time after close; by then nothing has that name.
 */
async function openUnix(address: UnixAddress): Promise<OpenSocket> {
  const { path, mode } = address;
  const fresh = `${path}.new`;
  await ensureFree(fresh);
  if (lstat(fresh) !== undefined) Deno.removeSync(fresh);
  const listener = Deno.listen({ transport: "unix", path: fresh });
  try {
    await ensureFree(path);
    Deno.chmodSync(fresh, mode);
    Deno.renameSync(fresh, path);
  } catch (error) {
    listener.close();
    throw error;
  }
  const bound = Deno.lstatSync(path);
  return {
    address,
    accept: () => listener.accept(),
    close() {
      if (isSameFile(path, bound)) removeIfAllowed(path);
      listener.close();
    },
  };
}

/**
 * Makes sure that a path is free, or holds only the socket of a process that is gone.
 *
 * @throws {Error} If somebody listens there, or it is another kind of file.
 */
async function ensureFree(path: string): Promise<void> {
  const found = lstat(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new Error("the file there is not a socket: remove it or choose another path");
  }
  try {
    const conn = await Deno.connect({ transport: "unix", path });
    conn.close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return;
  }
  throw new Deno.errors.AddrInUse();
}

function isSameFile(path: string, file: Deno.FileInfo): boolean {
  const found = lstat(path);
  return found?.ino === file.ino && found?.dev === file.dev;
}

/** The directory may be another's by now. A file that stays is replaced by whoever listens there next. */
function removeIfAllowed(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It stays.
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function explain(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "in use by another process: stop it or choose another address";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "no such address on this machine: choose another one";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied: choose another address or start with the required rights";
  }
  if (error instanceof Deno.errors.NotFound) {
    return "no such directory: create it or choose another path";
  }
  return messageOf(error);
}
