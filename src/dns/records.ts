/**
 * Turns record data as dns-packet decodes it into {@link RecordData}.
 *
 * Names in an answer are remote text. Only names of letters, digits, hyphens and
 * underscores pass, so that no other octet gets from here into a reply, a file or a log line.
 * dns-packet joins labels with dots and decodes them as UTF-8, so it hides a dot inside a label.
 * That can only change how a domain's own records look.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { NAME_MAX_LENGTH } from "../base/host.ts";
import type { MxRecord, RecordData, RecordType, TlsaRecord } from "./types.ts";

const NAME = /^(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/;

/** The data of a record as dns-packet decodes it: remote text and octets, unchecked. */
export interface WireData {
  /** Dotted IPv4 text. */
  A: string;
  /** IPv6 text. */
  AAAA: string;
  /** The name the alias points to, labels joined with dots. */
  CNAME: string;
  /** Preference, 0 to 65535, and name of the mail host; the empty name or `.` is the root. */
  MX: { preference: number; exchange: string };
  /** Name of a name server, labels joined with dots. */
  NS: string;
  /** The fields of RFC 6698, 2.1. The octets are valid only until the buffer of the message is used again. */
  TLSA: { usage: number; selector: number; matchingType: number; certificate: Uint8Array };
  /** The character-strings of one record, at most 255 octets each (RFC 1035, 3.3). */
  TXT: readonly Uint8Array[];
}

/** Readers of record data, by type. Each returns `undefined` for a record that cannot be used. */
export type Readers = {
  readonly [T in RecordType]: (data: WireData[T]) => RecordData[T] | undefined;
};

/** One reader for each type of record. */
export const RECORD_READERS: Readers = {
  A: (text) => /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(text) ? text : undefined,
  AAAA: (text) => /^[0-9a-f:]+$/.test(text) ? text : undefined,
  CNAME: readName,
  MX: readMx,
  NS: readName,
  TLSA: readTlsa,
  TXT: (strings) => Buffer.concat(strings).toString("latin1"),
};

/**
 * Reads a domain name.
 *
 * It checks the text before it folds the case, since folding turns some characters outside ASCII into letters.
 *
 * @param text Dotted form, in any case, with or without the final dot.
 * @returns Lower case, without the final dot, `""` for the root. `undefined` for a name with other characters than
 *   letters, digits, hyphens and underscores, a label above 63 or a length above 253 octets.
 */
export function readName(text: string): string | undefined {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (name === "") return name;
  return name.length <= NAME_MAX_LENGTH && NAME.test(name) ? name.toLowerCase() : undefined;
}

function readMx({ preference, exchange }: WireData["MX"]): MxRecord | undefined {
  const name = readName(exchange);
  return name === undefined ? undefined : { preference, exchange: name };
}

/** Copies the data, since the buffer of the message is used again. */
function readTlsa({ usage, selector, matchingType, certificate }: WireData["TLSA"]): TlsaRecord {
  return { usage, selector, matchingType, data: Uint8Array.from(certificate) };
}
