/**
 * A file with a report of somebody else, as the operator names it.
 *
 * @module
 */

import { MAIL_MAX_OCTETS } from "../mail/read_mime.ts";
import { UsageError } from "../config/usage_error.ts";
import { type ArrivalReading, readArrival } from "../receive/read_arrival.ts";
import { readNamedFile } from "./arguments.ts";

/** What a file holds. */
export type ReceivedFile = ArrivalReading & {
  /** As the operator named it; `-` is standard input. */
  readonly file: string;
};

/**
 * Reads a file, or standard input for `-`.
 *
 * @throws {UsageError} If it cannot be read, or has more than 8 MiB.
 */
export async function readInput(path: string): Promise<Uint8Array> {
  if (path !== "-") return await readNamedFile(path, MAIL_MAX_OCTETS);
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of Deno.stdin.readable) {
    octets += piece.length;
    if (octets > MAIL_MAX_OCTETS) {
      throw new UsageError(`standard input is larger than ${MAIL_MAX_OCTETS} bytes`);
    }
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Finds the report in the octets of a file. Never rejects. */
export async function readReceived(file: string, octets: Uint8Array): Promise<ReceivedFile> {
  return { ...await readArrival(octets, { fileName: file }), file };
}
