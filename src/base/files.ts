/**
 * The files of this machine: reads are bounded, writes replace a file as a whole or not at all.
 *
 * @module
 */

import { messageOf } from "./error_text.ts";

/** The result of reading a file. */
export type FileRead =
  | { readonly kind: "read"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "absent" }
  /** `detail` is one line for a person. */
  | { readonly kind: "failed"; readonly detail: string };

/** The result of writing a file. */
export type FileWrite =
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly detail: string };

/** Files by path. Nothing here rejects. */
export interface Files {
  /** Reads a file; one that is larger than `maxBytes` fails. */
  read(path: string, maxBytes: number): Promise<FileRead>;
  /** Writes a file as a whole or not at all. It replaces an existing file. */
  write(path: string, bytes: Uint8Array): Promise<FileWrite>;
  /**
   * A text that changes whenever the file does; `undefined` if there is no file or no access to it.
   * Follows symbolic links.
   */
  stamp(path: string): Promise<string | undefined>;
  /** Names in a directory, unsorted; `undefined` if it cannot be read. */
  list(directory: string): Promise<readonly string[] | undefined>;
}

/** Everybody may read a policy. Its owner may change it. */
const FILE_MODE = 0o644;

/** The files of this machine. */
export function createFiles(): Files {
  return { read, write, stamp, list };
}

async function read(path: string, maxBytes: number): Promise<FileRead> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) return { kind: "failed", detail: `${path} is not a file` };
    if (size > maxBytes) return tooLarge(path, maxBytes);
    const bytes = await Deno.readFile(path);
    return bytes.length > maxBytes ? tooLarge(path, maxBytes) : { kind: "read", bytes };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "absent" };
    return { kind: "failed", detail: `cannot read ${path}: ${messageOf(error)}` };
  }
}

function tooLarge(path: string, maxBytes: number): FileRead {
  return { kind: "failed", detail: `${path} is larger than ${maxBytes} bytes` };
}

async function write(path: string, bytes: Uint8Array): Promise<FileWrite> {
  const slash = path.lastIndexOf("/");
  const dir = slash < 0 ? "." : path.slice(0, slash + 1);
  let temporary: string | undefined;
  try {
    temporary = await Deno.makeTempFile({ dir, prefix: `.${path.slice(slash + 1)}.` });
    {
      using file = await Deno.open(temporary, { write: true });
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.chmod(temporary, FILE_MODE);
    await Deno.rename(temporary, path);
    return { kind: "written" };
  } catch (error) {
    if (temporary !== undefined) await Deno.remove(temporary).catch(() => {});
    return { kind: "failed", detail: `cannot write ${path}: ${messageOf(error)}` };
  }
}

async function stamp(path: string): Promise<string | undefined> {
  try {
    const { isFile, mtime, size, ino } = await Deno.stat(path);
    return isFile ? `${mtime?.getTime()} ${size} ${ino}` : undefined;
  } catch {
    // Missing or not accessible: in both cases there is nothing to read.
    return undefined;
  }
}

async function list(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  } catch {
    // The caller keeps what it has.
    return undefined;
  }
}
