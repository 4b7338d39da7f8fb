/**
 * Replies of a mail server (RFC 5321 §4.2), read from a connection whose faults are values.
 *
 * A server may send anything. So lines and replies are bounded, and text of the server is quoted and cut before it
 * goes into a `detail`.
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";

/** The longest line of a reply, octets with its end: four times what RFC 5321 §4.5.3.1.5 allows. */
export const LINE_MAX_BYTES = 2048;

/** Lines of one reply. The reply to EHLO has about twenty. */
export const REPLY_MAX_LINES = 100;

/** Enough of a reply to recognise it, UTF-16 units. */
const QUOTE_MAX_LENGTH = 160;

/** A connection whose faults are values. */
export interface ByteLink {
  /**
   * Waits for octets and puts them at the start of `buffer`.
   *
   * @returns Octets read, or `null` when the connection has ended for any reason. Never rejects.
   */
  read(buffer: Uint8Array): Promise<number | null>;
  /** After an error the next read returns `null`. Never rejects. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes a waiting read return `null`. */
  close(): void;
}

/** A reply. */
export interface Reply {
  /** Tells a reply from a fault. */
  readonly kind: "reply";
  /** Three digits, 200 to 599 (RFC 5321, 4.2). */
  readonly code: number;
  /** Without code and line end; each character is one octet. */
  readonly lines: readonly string[];
}

/** No reply: the connection ended, or what came is none. `detail` is fit to print. */
export interface ReplyFault {
  /** Tells a fault from a reply. */
  readonly kind: "faulty";
  /** `closed`: the connection ended; `garbage`: what came is no reply, or too long. */
  readonly reason: "closed" | "garbage";
  /** One line; text of the server in it is quoted and cut. */
  readonly detail: string;
}

const REPLY_LINE = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s;

/** Text of a server, quoted and cut. */
export function quoteReply({ code, lines }: Pick<Reply, "code" | "lines">): string {
  return quote(`${code} ${lines.join(" ")}`);
}

/** Reads replies, one after the other; several may have come at once (RFC 2920). */
export class ReplyReader {
  readonly #link: ByteLink;
  /** Text that is not yet part of a reply. Never longer than a line and one read. */
  #pending = "";

  /**
   * Reads nothing yet.
   *
   * @param link Nobody else may read from it.
   */
  constructor(link: ByteLink) {
    this.#link = link;
  }

  /** What has come after the last reply that was read. */
  get pending(): string {
    return this.#pending;
  }

  /**
   * Reads the next reply. Waits for as long as the connection lasts: the caller bounds the time, and closes it.
   *
   * @param what What is waited for, in words.
   */
  async read(what: string): Promise<Reply | ReplyFault> {
    const lines: string[] = [];
    let code: string | undefined;
    while (lines.length < REPLY_MAX_LINES) {
      const line = await this.#readLine(what);
      if (typeof line !== "string") return line;
      const [, digits, separator, text = ""] = REPLY_LINE.exec(line) ?? [];
      if (digits === undefined || (code !== undefined && digits !== code)) {
        return fault("garbage", quote(line));
      }
      code = digits;
      lines.push(text);
      if (separator !== "-") return { kind: "reply", code: parseInt(digits, 10), lines };
    }
    return fault("garbage", `${what} has more than ${REPLY_MAX_LINES} lines`);
  }

  /** A line without its end. */
  async #readLine(what: string): Promise<string | ReplyFault> {
    const buffer = new Uint8Array(LINE_MAX_BYTES);
    for (;;) {
      const end = this.#pending.indexOf("\n");
      const size = end < 0 ? this.#pending.length : end;
      if (size >= LINE_MAX_BYTES) {
        return fault("garbage", `${what} has a line of more than ${LINE_MAX_BYTES} octets`);
      }
      if (end >= 0) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      const read = await this.#link.read(buffer);
      if (read === null) return fault("closed", `connection ended before ${what} was complete`);
      this.#pending += String.fromCharCode(...buffer.subarray(0, read));
    }
  }
}

function fault(reason: ReplyFault["reason"], detail: string): ReplyFault {
  return { kind: "faulty", reason, detail };
}

function quote(text: string): string {
  return quoteText(text, QUOTE_MAX_LENGTH);
}
