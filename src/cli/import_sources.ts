/**
 * Where `report import` finds reports: mails, JSON and gzip in files, all files of a directory or a Maildir, the mails of
 * an mbox file, and one mail on standard input.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { MAIL_MAX_OCTETS } from "../mail/read_mime.ts";
import type { Arrival } from "../receive/types.ts";
import { dropSeparator, hasSeparator, join, splitMbox } from "./mbox.ts";

/** Octets read at once. */
const CHUNK_OCTETS = 64 * 1024;

/** The parts of a Maildir that hold mail; `tmp` holds what is still being written. */
const MAILDIR_PARTS = ["new", "cur"];

/** The operand for standard input. */
export const STANDARD_INPUT = "-";

/** A report to judge, or why there is none. */
export type Source =
  & {
    /** As the operator would name it; a mail of an mbox file has its number after a colon. */
    readonly name: string;
  }
  & (
    | { readonly kind: "found"; readonly arrival: Arrival }
    /** It can be read, and is too large to be a report. */
    | { readonly kind: "too-large" }
    | { readonly kind: "failed"; readonly error: string }
  );

/**
 * Reads all that the operands name, one after the other. Never rejects.
 *
 * @param now Ms. A file came when it was written, but not later than now.
 */
export async function* readSources(
  operands: readonly string[],
  { now }: { readonly now: () => number },
): AsyncGenerator<Source> {
  for (const operand of operands) {
    if (operand === STANDARD_INPUT) yield await readStandardInput(now());
    else yield* readNamed(operand, now);
  }
}

async function* readNamed(operand: string, now: () => number): AsyncGenerator<Source> {
  let names: string[];
  try {
    const { isDirectory } = await Deno.stat(operand);
    names = isDirectory ? await listDirectory(operand) : [operand];
  } catch (error) {
    yield { kind: "failed", name: operand, error: messageOf(error) };
    return;
  }
  for (const name of names) {
    try {
      yield* readFile(name, now());
    } catch (error) {
      yield { kind: "failed", name, error: messageOf(error) };
    }
  }
}

/** The files of a directory; of a Maildir, its mails. Directories in it are not looked into. */
async function listDirectory(directory: string): Promise<string[]> {
  const base = directory.replace(/\/+$/, "");
  const entries = await Array.fromAsync(Deno.readDir(directory));
  const parts = MAILDIR_PARTS.filter((part) =>
    entries.some(({ name, isDirectory }) => name === part && isDirectory)
  );
  if (parts.length > 0) {
    const lists = await Promise.all(parts.map((part) => listDirectory(`${base}/${part}`)));
    return lists.flat();
  }
  return entries.filter(({ isFile }) => isFile).map(({ name }) => `${base}/${name}`).toSorted();
}

/** @throws {Error} What the system says. */
async function* readFile(name: string, now: number): AsyncGenerator<Source> {
  using file = await Deno.open(name, { read: true });
  const { mtime } = await file.stat();
  const at = Math.min(mtime?.getTime() ?? now, now);
  const chunks = chunksOf(file);
  const { value: first = new Uint8Array() } = await chunks.next();
  if (hasSeparator(first)) {
    let number = 0;
    for await (const mail of splitMbox(resume(first, chunks), MAIL_MAX_OCTETS)) {
      const named = { name: `${name}:${++number}` };
      const { octets, at: delivered } = mail;
      if (octets === undefined) yield { ...named, kind: "too-large" };
      else {
        const arrival = { octets, way: "file", at: Math.min(delivered, now) } as const;
        yield { ...named, kind: "found", arrival };
      }
    }
    return;
  }
  const octets = await readAll(resume(first, chunks));
  if (octets === undefined) yield { kind: "too-large", name };
  else yield { kind: "found", name, arrival: { octets, way: "file", at, fileName: name } };
}

/** All of it is read, so that whoever writes it never meets a closed pipe. */
async function readStandardInput(now: number): Promise<Source> {
  const name = STANDARD_INPUT;
  try {
    const octets = await readAll(chunksOf(Deno.stdin));
    if (octets === undefined) return { kind: "too-large", name };
    return {
      kind: "found",
      name,
      arrival: { octets: dropSeparator(octets), way: "mail", at: now },
    };
  } catch (error) {
    return { kind: "failed", name, error: messageOf(error) };
  }
}

/** @returns `undefined` if it is larger than a mail may be. */
async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  let pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of chunks) {
    octets += chunk.length;
    if (octets > MAIL_MAX_OCTETS) pieces = [];
    else pieces.push(chunk);
  }
  return octets > MAIL_MAX_OCTETS ? undefined : join(pieces);
}

/** Not by `readable`: that closes what it reads from. */
async function* chunksOf(
  file: { read(buffer: Uint8Array): Promise<number | null> },
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = new Uint8Array(CHUNK_OCTETS);
    const octets = await file.read(buffer);
    if (octets === null) return;
    yield buffer.subarray(0, octets);
  }
}

async function* resume(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
