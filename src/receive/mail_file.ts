/**
 * The files of a Maildir: read without following links, and moved without replacing anything.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** A file that was read. */
export type MailFile =
  | {
    readonly kind: "read";
    readonly octets: Uint8Array;
    /** When it was delivered: the time of its last change, ms. */
    readonly at: number;
  }
  /** Another program took it. */
  | { readonly kind: "gone" }
  /** A link, a directory, a pipe. */
  | { readonly kind: "foreign" };

/** Octets read at a time. */
const CHUNK_OCTETS = 256 * 1024;

/** Names under which a moved mail is tried, if `cur` has one of its name. */
const MAX_NAMES = 10;

/**
 * Reads a file.
 *
 * @param maxOctets What is larger is cut after so many.
 * @throws {Error} Of the system.
 */
export async function readMailFile(path: string, maxOctets: number): Promise<MailFile> {
  let handle: FileHandle | undefined;
  try {
    const expected = await Deno.lstat(path);
    if (!expected.isFile) return { kind: "foreign" };
    // Not to wait for a writer, if it has become a pipe meanwhile.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { dev, ino, mtimeMs } = await handle.stat();
    if (dev !== expected.dev || ino !== expected.ino) return { kind: "foreign" };
    return { kind: "read", octets: await readAll(handle, maxOctets), at: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return { kind: "gone" };
    throw error;
  } finally {
    await handle?.close();
  }
}

async function readAll(handle: FileHandle, maxOctets: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < maxOctets) {
    const piece = new Uint8Array(Math.min(CHUNK_OCTETS, maxOctets - length));
    const { bytesRead } = await handle.read(piece, 0, piece.length, null);
    if (bytesRead === 0) break;
    pieces.push(piece.subarray(0, bytesRead));
    length += bytesRead;
  }
  return new Uint8Array(Buffer.concat(pieces, length));
}

/**
 * Moves a mail from `new` to `cur` with the flag S (seen). If `cur` has a file of that name, the name gets a number.
 *
 * @throws {Error} Of the system, if it cannot be moved.
 */
export async function moveToSeen(directory: string, name: string): Promise<void> {
  const from = `${directory}/new/${name}`;
  for (let number = 0; number < MAX_NAMES; number++) {
    const to = `${directory}/cur/${seenName(name, number)}`;
    if (await exists(to)) continue;
    try {
      return await Deno.rename(from, to);
    } catch (error) {
      // Another program took it.
      if (isMissing(error) && !await exists(from)) return;
      throw error;
    }
  }
  throw new Error(`there are ${MAX_NAMES} mails of this name in cur`);
}

function seenName(name: string, number: number): string {
  const [, base = name, flags = ""] = /^(.*):2,([A-Za-z]*)$/.exec(name) ?? [];
  const sorted = [...new Set(`${flags}S`)].sort().join("");
  return `${base}${number === 0 ? "" : `_${number}`}:2,${sorted}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error as { code?: unknown } | undefined)?.code === "ENOENT";
}
