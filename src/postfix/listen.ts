/**
 * Sockets to listen on, TCP and unix.
 *
 * The file that a killed process left behind is replaced, but only after a refused connection has
 * proven that nobody listens any more; at the end only our own file is removed.
 *
 * @module
 */

import type { Endpoint } from "../config/address.ts";
import type { ListenAddress } from "../config/types.ts";
import type { Stream } from "./connection.ts";

/** What connections are accepted from; a `Deno.Listener` is one. */
export interface ConnectionSource {
  /** Rejects with `Deno.errors.BadResource` or `Interrupted` once closed. */
  accept(): Promise<Stream>;
  close(): void;
}

/** An open socket and its address, with the port the system chose where 0 was asked for. */
export interface OpenSocket extends ConnectionSource {
  accept(): Promise<Deno.Conn>;
  readonly address: ListenAddress;
}

type UnixAddress = Extract<ListenAddress, { kind: "unix" }>;

/** Writes an address as the configuration does: `inet:127.0.0.1:8461`, `inet:[::1]:8461`, `unix:/x`. */
export function formatAddress(address: Endpoint): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { hostname, port } = address;
  return `inet:${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/**
 * Opens a socket to listen on.
 *
 * @returns The open socket; a unix socket has its mode.
 * @throws {Error} With one line for the operator: what cannot be done, where, and what to do.
 */
export async function openSocket(address: ListenAddress): Promise<OpenSocket> {
  try {
    return address.kind === "unix" ? await openUnix(address) : openInet(address);
  } catch (error) {
    throw new Error(`Cannot listen on ${formatAddress(address)}: ${explain(error)}`, {
      cause: error,
    });
  }
}

function openInet({ hostname, port }: Extract<ListenAddress, { kind: "inet" }>): OpenSocket {
  const listener = Deno.listen({ hostname, port });
  return {
    address: { kind: "inet", hostname, port: listener.addr.port },
    async accept() {
      const conn = await listener.accept();
      // A reply that comes late shall not wait until the one before is acknowledged.
      conn.setNoDelay();
      return conn;
    },
    close: () => listener.close(),
  };
}

async function openUnix(address: UnixAddress): Promise<OpenSocket> {
  const { path, mode } = address;
  let listener: Deno.UnixListener;
  try {
    listener = Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    await removeStaleSocket(path);
    listener = Deno.listen({ transport: "unix", path });
  }
  // Until here the umask rules, and none in use lets others write, which connecting takes.
  // Setting it before would take the permission for all of `sys`.
  Deno.chmodSync(path, mode);
  const bound = Deno.lstatSync(path);
  return {
    address,
    accept: () => listener.accept(),
    close: () => closeUnix(listener, { path, bound }),
  };
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstat(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new Error("there is a file that is no socket: remove it or choose another path");
  }
  try {
    const conn = await Deno.connect({ transport: "unix", path });
    conn.close();
  } catch (error) {
    // Another process that starts may have put its own socket there meanwhile.
    if (error instanceof Deno.errors.ConnectionRefused && isSameFile(path, found)) {
      Deno.removeSync(path);
      return;
    }
  }
  throw new Deno.errors.AddrInUse();
}

/** Closes the listener. The runtime then removes whatever is at its path: what is not ours steps aside. */
function closeUnix(
  listener: Deno.UnixListener,
  { path, bound }: { path: string; bound: Deno.FileInfo },
): void {
  const foreign = lstat(path) !== undefined && !isSameFile(path, bound);
  const aside = `${path}.${Deno.pid}`;
  if (foreign) Deno.renameSync(path, aside);
  listener.close();
  if (foreign) Deno.renameSync(aside, path);
}

function isSameFile(path: string, file: Deno.FileInfo): boolean {
  const found = lstat(path);
  return found?.ino === file.ino && found?.dev === file.dev;
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
    return "permission denied: choose another address or start with the rights for it";
  }
  if (error instanceof Deno.errors.NotFound) {
    return "no such directory: create it or choose another path";
  }
  return error instanceof Error ? error.message : String(error);
}
