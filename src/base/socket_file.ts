/**
 * Care of the file of a UNIX socket, stream or datagram.
 *
 * A socket that a killed process left behind is replaced, but only after a refused connection has proven that nobody
 * listens any more. On release, only our own file is removed.
 *
 * @module
 */

import { messageOf } from "./error_text.ts";

/** A socket at its path. */
export interface SocketFile<S> {
  /** What was bound. */
  readonly socket: S;
  /** Removes the file if it is still ours and may be removed. Closing the socket is the caller's. */
  release(): void;
}

/**
 * Binds a socket under another name, sets its mode, and only then moves it to its path. So a stale socket is replaced
 * without a gap, and two daemons that start at once exclude each other. The runtime removes the name first bound some
 * time after close; by then nothing has that name.
 *
 * @param options `mode` is that of chmod(2). `bind` makes the socket at the path that it gets.
 * @throws {Deno.errors.AddrInUse} If somebody listens there.
 * @throws {Error} If something else is in the way, or as `bind` does.
 */
export async function openSocketFile<S extends { close(): void }>(
  path: string,
  { mode, bind }: { readonly mode: number; readonly bind: (path: string) => S },
): Promise<SocketFile<S>> {
  const fresh = `${path}.new`;
  await ensureFree(fresh);
  if (lstat(fresh) !== undefined) Deno.removeSync(fresh);
  const socket = bind(fresh);
  try {
    await ensureFree(path);
    Deno.chmodSync(fresh, mode);
    Deno.renameSync(fresh, path);
  } catch (error) {
    // The runtime leaves the file of a datagram socket behind.
    removeIfAllowed(fresh);
    socket.close();
    throw error;
  }
  const bound = Deno.lstatSync(path);
  return {
    socket,
    release(): void {
      if (isSameFile(path, bound)) removeIfAllowed(path);
    },
  };
}

/**
 * Says in one line why a socket cannot be opened, and what to do.
 *
 * @param place What the operator would choose another of.
 */
export function explainBindError(error: unknown, place: "address" | "path"): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `in use by another process: stop it or choose another ${place}`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "no such address on this machine: choose another one";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `permission denied: choose another ${place} or start with the required rights`;
  }
  if (error instanceof Deno.errors.NotFound) {
    return "no such directory: create it or choose another path";
  }
  return messageOf(error);
}

/**
 * Makes sure that a path is free, or holds only the socket of a process that is gone. A stream connection shows that for a
 * datagram socket, too: the kernel refuses it in one way if the socket is in use, and in another if it was left behind.
 * A trial datagram would be counted.
 */
async function ensureFree(path: string): Promise<void> {
  const found = lstat(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new Error("the file there is not a socket: remove it or choose another path");
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return;
  }
  throw new Deno.errors.AddrInUse();
}

function isSameFile(path: string, file: Deno.FileInfo): boolean {
  const found = lstat(path);
  return found?.ino === file.ino && found?.dev === file.dev;
}

/** The directory may belong to somebody else by now. A file that stays is replaced by whoever listens there next. */
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
