/**
 * Netstrings, the frames of Postfix's socketmap protocol: `<length>:<payload>,`.
 *
 * Postfix itself accepts leading zeros and any number of digits. Here both are refused: a payload has
 * a bound, and a frame that exceeds it fails at the first offending octet, before memory is taken for it.
 * This file does not interpret payloads.
 *
 * @module
 */

import { type Octets, utf8Length, viewOf } from "./octets.ts";

/**
 * Bytes of a read buffer. Each connection holds one, with room for a hundred usual requests sent
 * ahead. It grows only while a longer frame is received.
 */
const BUFFER_BYTES = 4096;

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;

const encoder = new TextEncoder();

/** The error for bytes that are not a netstring, or for a netstring longer than allowed. */
export class NetstringError extends SyntaxError {
  /** The name of this class. */
  override readonly name = "NetstringError";
  /** Octets from the start of the stream to the offending one. */
  readonly offset: number;

  /** Makes the error. @param message One line. @param offset Octets from the start of the stream. */
  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`);
    this.offset = offset;
  }
}

/**
 * Frames a payload.
 *
 * @param payload Octets, or text that is sent as UTF-8.
 */
export function encodeNetstring(payload: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const length = typeof payload === "string" ? utf8Length(payload) : payload.length;
  const head = `${length}:`;
  const frame = new Uint8Array(head.length + length + 1);
  encoder.encodeInto(head, frame);
  if (typeof payload !== "string") frame.set(payload, head.length);
  else encoder.encodeInto(payload, frame.subarray(head.length));
  frame[frame.length - 1] = COMMA;
  return frame;
}

/**
 * Decodes a stream of netstrings that arrives in pieces of any size: read into {@link space}, pass the
 * number of bytes to {@link fill}, take payloads with {@link next} until there is none, and repeat.
 */
export class NetstringDecoder {
  readonly #maxPayload: number;
  #buffer = new Uint8Array(BUFFER_BYTES);
  /** Bytes from `#start` to `#end` are not taken yet. */
  #start = 0;
  #end = 0;
  /** Octets of the stream before the buffer. */
  #before = 0;
  /** What {@link next} returns: one object for all payloads. */
  readonly #payload = { bytes: this.#buffer, view: viewOf(this.#buffer), from: 0, to: 0 };

  /** Makes a decoder. @param maxPayload Octets of the longest payload accepted. */
  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  /** Whether no frame has begun. */
  get empty(): boolean {
    return this.#start === this.#end;
  }

  /** Where the next read goes: never empty, valid until the next call of any method. */
  space(): Uint8Array<ArrayBuffer> {
    const kept = this.#end - this.#start;
    this.#before += this.#start;
    if (kept === this.#buffer.length) {
      const larger = new Uint8Array(2 * kept);
      larger.set(this.#buffer);
      this.#use(larger);
    } else if (kept > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else if (this.#buffer.length > BUFFER_BYTES) {
      this.#use(new Uint8Array(BUFFER_BYTES));
    }
    this.#start = 0;
    this.#end = kept;
    return kept === 0 ? this.#buffer : this.#buffer.subarray(kept);
  }

  /** Accepts what was read into {@link space}. @param count Bytes read. */
  fill(count: number): void {
    this.#end += count;
  }

  /**
   * Takes the next payload.
   *
   * @returns The payload where it was received, until the next call of any method; `undefined` until
   *   more is read.
   * @throws {NetstringError} At the first octet that cannot belong to a netstring of the allowed
   *   length. The stream cannot be decoded any further.
   */
  next(): Octets | undefined {
    const buffer = this.#buffer;
    const end = this.#end;
    let at = this.#start;
    let length = 0;
    for (;; at++) {
      if (at === end) return undefined;
      const digit = buffer[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      if (length === 0 && at > this.#start) throw this.#error("Leading zero in length", at);
      length = length * 10 + digit;
      if (length > this.#maxPayload) throw this.#error("Length above the limit", at);
    }
    if (buffer[at] !== COLON || at === this.#start) throw this.#error("Malformed length", at);
    const from = at + 1;
    const to = from + length;
    if (to >= end) return undefined;
    if (buffer[to] !== COMMA) throw this.#error("Missing comma", to);
    this.#start = to + 1;
    const payload = this.#payload;
    payload.from = from;
    payload.to = to;
    return payload;
  }

  #use(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#payload.bytes = buffer;
    this.#payload.view = viewOf(buffer);
  }

  #error(message: string, at: number): NetstringError {
    return new NetstringError(message, this.#before + at);
  }
}
