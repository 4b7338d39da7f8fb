/**
 * A mail as the octets that a signature was made over: header fields as they are written, and the body (RFC 5322 §2).
 *
 * A mail box stores lines with LF alone, which went over the wire as CRLF. So each bare LF becomes CRLF first
 * (RFC 6376 §5.3). A CR without LF is an octet like any other.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { trimWspEnd } from "../base/white_space.ts";
import type { HeaderField } from "./compose.ts";

/** A mail, split but not decoded. */
export interface RawMessage {
  /**
   * All header fields in their order, one char per octet. Names end at the colon, see {@link fieldName}; values begin
   * after it, and contain the CRLF of folded lines but not the last one.
   */
  readonly headers: readonly HeaderField[];
  /** The body; lines end in CRLF. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** All header fields, octets. Long ways through many servers have tens of KiB. */
const MAX_HEADER_OCTETS = 256 * 1024;

/** Header fields; real mails have up to a hundred. */
const MAX_FIELDS = 1000;

const CR = 0x0d;
const LF = 0x0a;

/** Printable ASCII but the colon (RFC 5322 §3.6.8), and white space before the colon as in §4.5. */
const FIELD = /^([!-9;-~]+[ \t]*):/;

/** The line that mbox files and pipe(8) with `flags=F` put before a mail. It is no part of it. */
const ENVELOPE = /^From [^\r\n]*\r\n/;

/** Octets in which that line ends. */
const ENVELOPE_MAX_OCTETS = 1000;

/**
 * Splits a mail.
 *
 * @returns `undefined` if a line of the header is no field, or the header is larger than any real one. Never throws.
 */
export function splitMessage(octets: Uint8Array): RawMessage | undefined {
  const message = withoutEnvelope(withLineEnds(octets));
  const end = headerEnd(message);
  if (end > MAX_HEADER_OCTETS) return undefined;
  const headers = splitFields(latin1Text(message.subarray(0, end)));
  if (headers === undefined) return undefined;
  // CRLF ends the header, after the CRLF of the last field.
  return { headers, body: message.subarray(Math.min(end + 2, message.length)) };
}

/** The name of a field in lower case, without the white space that may stand before the colon (RFC 5322 §4.5). */
export function fieldName([name]: HeaderField): string {
  return trimWspEnd(name).toLowerCase();
}

/** One char for each octet. */
export function latin1Text(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}

/** The octets of a text of chars up to U+00FF. */
export function latin1Octets(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Gives each bare LF a CR. */
function withLineEnds(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  let missing = 0;
  for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
    if (octets[at - 1] !== CR) missing++;
  }
  const result = new Uint8Array(octets.length + missing);
  let length = 0;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]!;
    if (octet === LF && octets[at - 1] !== CR) result[length++] = CR;
    result[length++] = octet;
  }
  return result;
}

function withoutEnvelope(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = latin1Text(octets.subarray(0, ENVELOPE_MAX_OCTETS));
  const [line = ""] = ENVELOPE.exec(start) ?? [];
  // A field may have white space before its colon.
  return FIELD.test(line) ? octets : octets.subarray(line.length);
}

/** Where the empty line begins; the end of the mail if there is none. */
function headerEnd(octets: Uint8Array): number {
  if (octets[0] === CR && octets[1] === LF) return 0;
  for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
    if (octets[at + 1] === CR && octets[at + 2] === LF) return at + 1;
  }
  return octets.length;
}

function splitFields(text: string): HeaderField[] | undefined {
  const fields: HeaderField[] = [];
  // A line that begins with white space goes on with the field before it.
  const lines = text.endsWith("\r\n") ? text.slice(0, -2) : text;
  if (lines === "") return [];
  for (const line of lines.split(/\r\n(?![ \t])/)) {
    const [head, name] = FIELD.exec(line) ?? [];
    if (head === undefined || name === undefined || fields.length === MAX_FIELDS) return undefined;
    fields.push([name, line.slice(head.length)]);
  }
  return fields;
}
