/**
 * Netstrings, the frames of Postfix's socketmap protocol: `<length>:<payload>,`.
 *
 * Postfix itself takes leading zeros and any number of digits. Here both are refused: a payload has
 * a bound, and bytes that break it are known at the first octet, before anything is held for them.
 * What a payload means is not looked at.
 *
 * @module
 */

/**
 * Bytes of a read buffer, of which each connection holds one: room for a hundred usual requests sent
 * ahead. It grows only while a longer frame is received.
 */
const BUFFER_BYTES = 4096;

/** Bytes up to which building text char by char is faster than calling a decoder (measured). */
const SHORT_BYTES = 96;

/** Arguments of one call: a few thousand fit on any stack. */
const MAX_ARGUMENTS = 4096;

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;

const encoder = new TextEncoder();
/** Without `ignoreBOM` a decoder swallows a BOM, which is part of the text here. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that are no netstring, or a netstring longer than allowed. */
export class NetstringError extends SyntaxError {
  override readonly name = "NetstringError";
  /** Octets from the start of the stream to the offending one. */
  readonly offset: number;

  /** @param message One line. @param offset Octets from the start of the stream. */
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
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const head = encoder.encode(`${bytes.length}:`);
  const frame = new Uint8Array(head.length + bytes.length + 1);
  frame.set(head);
  frame.set(bytes, head.length);
  frame[frame.length - 1] = COMMA;
  return frame;
}

/**
 * Decodes a stream of netstrings, in whatever pieces it arrives: read into {@link space}, say how
 * much with {@link fill}, take payloads with {@link next} until there is none, and so on.
 */
export class NetstringDecoder {
  readonly #maxPayload: number;
  #buffer = new Uint8Array(BUFFER_BYTES);
  /** The bytes not taken yet are those from `#start` up to `#end`. */
  #start = 0;
  #end = 0;
  /** Octets of the stream before the buffer. */
  #before = 0;
  /** The bytes from `#textStart` up to `#end`, one char per octet; made at most once a read. */
  #text: string | undefined;
  #textStart = 0;

  /** @param maxPayload Octets of the longest payload accepted. */
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
      this.#buffer = larger;
    } else if (kept > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else if (this.#buffer.length > BUFFER_BYTES) {
      this.#buffer = new Uint8Array(BUFFER_BYTES);
    }
    this.#start = 0;
    this.#end = kept;
    this.#text = undefined;
    return kept === 0 ? this.#buffer : this.#buffer.subarray(kept);
  }

  /** Takes in what was read into {@link space}. @param count Bytes read. */
  fill(count: number): void {
    this.#end += count;
  }

  /**
   * Takes the next payload.
   *
   * @returns One char per octet (U+0000 to U+00FF); `undefined` until more is read. May share
   *   memory with all that was read: {@link ownCopy} what is kept.
   * @throws {NetstringError} At the first octet that cannot belong to a netstring of the allowed
   *   length. The stream is of no use from then on.
   */
  next(): string | undefined {
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
    if (this.#text === undefined) {
      if (this.#start === end) return decodeOctets(buffer.subarray(from, to));
      this.#text = decodeOctets(buffer.subarray(from, end));
      this.#textStart = from;
    }
    return this.#text.substring(from - this.#textStart, to - this.#textStart);
  }

  #error(message: string, at: number): NetstringError {
    return new NetstringError(message, this.#before + at);
  }
}

/**
 * Copies a text, so that keeping the copy does not keep the whole read alive that the engine
 * cut the text from.
 *
 * @param text One char per octet.
 */
export function ownCopy(text: string): string {
  let copy = "";
  for (let at = 0; at < text.length; at++) copy += String.fromCharCode(text.charCodeAt(at));
  return copy;
}

/** Makes text of octets, one char each. */
function decodeOctets(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) {
    // The UTF-8 decoder is some ten times faster than anything else. With ASCII it does the same,
    // and other octets it gives away: a valid sequence makes the text shorter than the bytes, an
    // invalid one leaves U+FFFD.
    const text = decoder.decode(bytes);
    if (text.length === bytes.length && !text.includes("\ufffd")) return text;
  }
  let text = "";
  for (let at = 0; at < bytes.length; at += MAX_ARGUMENTS) {
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(at, at + MAX_ARGUMENTS));
  }
  return text;
}
