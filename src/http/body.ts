/**
 * Bodies of requests (RFC 9112 §6, §7.1), for the few servers that take any: how long one is, and reading it within
 * bounds. What could be understood in two ways is malformed (§6.3): a proxy in front might understand the other.
 *
 * @module
 */

import { trimWspEnd, trimWspStart } from "../base/white_space.ts";

/** What a head says about the body. */
export interface BodyFields {
  /** The field `Content-Type` as it is written; `""` if there is none. */
  readonly contentType: string;
  /** Octets, or that its end shows while it comes; `undefined` if the head does not say. */
  readonly length: number | "chunked" | undefined;
  /** The client waits to hear that the body is wanted (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
}

/** A body, or why there is none. */
export type BodyReading =
  | { readonly kind: "read"; readonly octets: Uint8Array }
  | { readonly kind: "too-large" | "malformed" | "incomplete" };

/** Octets of the lines around chunks, with their extensions: nobody sends any. */
const LINE_MAX_OCTETS = 256;

/** Fields after the last chunk. They are read and dropped. */
const MAX_TRAILERS = 16;

/** The first buffer, octets: most reports fit. */
const BUFFER_OCTETS = 8 * 1024;

/** Stands for a line that is none; no line contains its end. */
const NO_LINE = "\n";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Reads the fields about the body from a well-formed head.
 *
 * @returns `undefined` if they contradict each other.
 */
export function parseBodyFields(head: string): BodyFields | undefined {
  const [, ...lines] = head.split("\r\n");
  const values = (wanted: string) =>
    lines.flatMap((line) => {
      const colon = line.indexOf(":");
      if (line.slice(0, colon).toLowerCase() !== wanted) return [];
      return [trimWspStart(trimWspEnd(line.slice(colon + 1)))];
    });
  const [contentType = "", ...otherTypes] = values("content-type");
  const lengths = values("content-length");
  const codings = values("transfer-encoding");
  if (otherTypes.length > 0 || lengths.length + codings.length > 1) return undefined;
  const [length] = lengths;
  const [coding] = codings;
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return undefined;
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return undefined;
  const octets = length === undefined ? undefined : parseInt(length, 10);
  return {
    contentType,
    length: coding === undefined ? octets : "chunked",
    expectsContinue: values("expect").some((value) => value.toLowerCase() === "100-continue"),
  };
}

/** What {@link readBody} reads. */
export interface ReadBodyOptions {
  /** What came after the head. */
  readonly rest: Uint8Array;
  readonly length: number | "chunked";
  /** Octets; a longer body is not read to its end. */
  readonly maxOctets: number;
}

/** Reads a body. @throws {Error} If the connection fails. */
export async function readBody(
  conn: Pick<Deno.Conn, "read">,
  { rest, length, maxOctets }: ReadBodyOptions,
): Promise<BodyReading> {
  const input = new Input(conn, rest);
  if (length === "chunked") return await readChunks(input, maxOctets);
  if (length > maxOctets) return { kind: "too-large" };
  const octets = await input.take(length);
  return octets === undefined ? { kind: "incomplete" } : { kind: "read", octets };
}

async function readChunks(input: Input, maxOctets: number): Promise<BodyReading> {
  let body = new Uint8Array(BUFFER_OCTETS);
  let total = 0;
  for (;;) {
    const line = await input.line();
    if (line === undefined) return { kind: "incomplete" };
    const [, digits] = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(line) ?? [];
    if (digits === undefined) return { kind: "malformed" };
    const size = parseInt(digits, 16);
    if (size === 0) break;
    if (total + size > maxOctets) return { kind: "too-large" };
    const chunk = await input.take(size);
    const end = chunk && await input.line();
    if (chunk === undefined || end === undefined) return { kind: "incomplete" };
    if (end !== "") return { kind: "malformed" };
    body = withRoom(body, total + size);
    body.set(chunk, total);
    total += size;
  }
  for (let fields = 0; fields <= MAX_TRAILERS; fields++) {
    const line = await input.line();
    if (line === undefined) return { kind: "incomplete" };
    if (line === NO_LINE) break;
    if (line === "") return { kind: "read", octets: body.subarray(0, total) };
  }
  return { kind: "malformed" };
}

/** The same octets with room for `length`; doubled, so that many small chunks copy each octet a few times. */
function withRoom(octets: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= octets.length) return octets;
  const larger = new Uint8Array(Math.max(2 * octets.length, length));
  larger.set(octets);
  return larger;
}

/** The octets of a connection; those that are there already come first. */
class Input {
  readonly #conn: Pick<Deno.Conn, "read">;
  #buffer: Uint8Array;
  #from = 0;
  #to: number;

  constructor(conn: Pick<Deno.Conn, "read">, rest: Uint8Array) {
    this.#conn = conn;
    this.#buffer = new Uint8Array(Math.max(BUFFER_OCTETS, rest.length));
    this.#buffer.set(rest);
    this.#to = rest.length;
  }

  /** A copy of the next octets; `undefined` if there are fewer. */
  async take(count: number): Promise<Uint8Array | undefined> {
    while (this.#to - this.#from < count) {
      if (!await this.#more()) return undefined;
    }
    const octets = this.#buffer.slice(this.#from, this.#from + count);
    this.#from += count;
    return octets;
  }

  /** The next line without its CRLF; `undefined` if there is none, {@link NO_LINE} if it has another end or none soon. */
  async line(): Promise<string | undefined> {
    for (let looked = this.#from;;) {
      const end = this.#buffer.subarray(0, this.#to).indexOf(LF, looked);
      if (end >= 0 && this.#buffer[end - 1] === CR && end > this.#from) {
        const line = String.fromCharCode(...this.#buffer.subarray(this.#from, end - 1));
        this.#from = end + 1;
        return line;
      }
      const seen = this.#to - this.#from;
      if (end >= 0 || seen > LINE_MAX_OCTETS) return NO_LINE;
      if (!await this.#more()) return undefined;
      // Reading may have moved what is there to the start.
      looked = this.#from + seen;
    }
  }

  /** Reads once. @returns False at the end. */
  async #more(): Promise<boolean> {
    if (this.#to === this.#buffer.length) {
      const kept = this.#buffer.subarray(this.#from, this.#to);
      // Half of it free at least: reading many small pieces copies each octet a few times.
      const room = kept.length > this.#buffer.length / 2
        ? 2 * this.#buffer.length
        : this.#buffer.length;
      const next = room === this.#buffer.length ? this.#buffer : new Uint8Array(room);
      next.set(kept);
      this.#buffer = next;
      this.#from = 0;
      this.#to = kept.length;
    }
    const count = await this.#conn.read(this.#buffer.subarray(this.#to));
    if (count === null) return false;
    this.#to += count;
    return true;
  }
}
