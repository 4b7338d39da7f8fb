/**
 * The part of SMTP that leads to TLS (RFC 5321 §4.2, RFC 3207 §4): greeting, EHLO, STARTTLS, and EHLO
 * again inside TLS. It never begins a mail transaction.
 *
 * A server may send anything. So lines, replies and waits are bounded, and text of the server is quoted and
 * cut before it goes into a finding.
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";
import type { FindingId } from "./finding.ts";
import type { TimeBudget } from "./time_budget.ts";

/** The longest line of a reply, octets with its end: four times what RFC 5321 §4.5.3.1.5 allows. */
export const LINE_MAX_BYTES = 2048;

/** Lines of one reply. The reply to EHLO has about twenty. */
export const REPLY_MAX_LINES = 100;

/** Enough of a reply to recognise it, UTF-16 units. */
const QUOTE_MAX_LENGTH = 160;

/** A connection whose faults are values. */
export interface ByteLink {
  /** @returns Octets read, or `null` when the connection has ended for any reason. Never rejects. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** After an error the next read returns `null`. Never rejects. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes a waiting read return `null`. */
  close(): void;
}

/** Where a dialogue ended too early. `id` is that of the finding; `detail` is fit to print. */
export interface SmtpFault {
  readonly kind: "failed";
  readonly id: Extract<FindingId, `smtp-${string}`>;
  readonly detail: string;
}

/** A reply (RFC 5321 §4.2). */
interface Reply {
  readonly kind: "reply";
  readonly code: number;
  /** Without code and line end; each character is one octet. */
  readonly lines: readonly string[];
}

type ReplyResult = Reply | SmtpFault;

const REPLY_LINE = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s;

/** A session with one server. */
export class SmtpDialogue {
  readonly #link: ByteLink;
  readonly #budget: TimeBudget;
  readonly #helo: string;
  /** Text that is not yet part of a reply. Never longer than a line and one read. */
  #pending = "";

  /** @param options `helo`: the name for EHLO. */
  constructor(link: ByteLink, options: { readonly budget: TimeBudget; readonly helo: string }) {
    this.#link = link;
    this.#budget = options.budget;
    this.#helo = options.helo;
  }

  /**
   * Runs the dialogue up to the start of TLS (RFC 3207, section 4).
   *
   * @returns `undefined` when the server is ready for TLS.
   */
  async startTls(): Promise<SmtpFault | undefined> {
    const greeting = await this.#expect("the greeting", 220, "smtp-greeting");
    if (greeting.kind === "failed") return greeting;
    const hello = await this.#command(`EHLO ${this.#helo}`, 250, "smtp-ehlo");
    if (hello.kind === "failed") return hello;
    if (!hello.lines.slice(1).some((line) => /^STARTTLS *$/i.test(line))) {
      const offered = hello.lines.slice(1).map((line) => line.split(" ", 1)[0]).join(" ");
      return fault("smtp-no-starttls", `offers ${quote(offered)}`);
    }
    const ready = await this.#command("STARTTLS", 220, "smtp-starttls-refused");
    if (ready.kind === "failed") return ready;
    return this.#pending === "" ? undefined : fault("smtp-trailing", quote(this.#pending));
  }

  /** Sends the first command inside TLS (RFC 3207, section 4.2). Needs a new dialogue over the TLS connection. */
  async helloAgain(): Promise<SmtpFault | undefined> {
    const hello = await this.#command(`EHLO ${this.#helo}`, 250, "smtp-after-tls");
    if (hello.kind !== "failed") return undefined;
    return hello.id === "smtp-after-tls" ? hello : fault("smtp-after-tls", hello.detail);
  }

  /** Sends QUIT without waiting for the reply. */
  async quit(): Promise<void> {
    await this.#send("QUIT");
  }

  async #command(command: string, code: number, id: SmtpFault["id"]): Promise<ReplyResult> {
    await this.#send(command);
    return await this.#expect(`the reply to ${command.split(" ", 1)[0]}`, code, id);
  }

  async #send(command: string): Promise<void> {
    const written = this.#link.write(new TextEncoder().encode(`${command}\r\n`));
    await this.#budget.run(written, () => this.#link.close());
  }

  async #expect(what: string, code: number, id: SmtpFault["id"]): Promise<ReplyResult> {
    const reply = await this.#budget.run(this.#readReply(what), () => this.#link.close());
    if (reply === "timeout") {
      return fault("smtp-timeout", `timed out while waiting for ${what}`);
    }
    if (reply.kind === "failed" || reply.code === code) return reply;
    return fault(id, quote(`${reply.code} ${reply.lines.join(" ")}`));
  }

  async #readReply(what: string): Promise<ReplyResult> {
    const lines: string[] = [];
    let code: string | undefined;
    while (lines.length < REPLY_MAX_LINES) {
      const line = await this.#readLine(what);
      if (typeof line !== "string") return line;
      const [, digits, separator, text = ""] = REPLY_LINE.exec(line) ?? [];
      if (digits === undefined || (code !== undefined && digits !== code)) {
        return fault("smtp-garbage", quote(line));
      }
      code = digits;
      lines.push(text);
      if (separator !== "-") return { kind: "reply", code: parseInt(digits, 10), lines };
    }
    return fault("smtp-garbage", `${what} has more than ${REPLY_MAX_LINES} lines`);
  }

  /** A line without its end. */
  async #readLine(what: string): Promise<string | SmtpFault> {
    const buffer = new Uint8Array(LINE_MAX_BYTES);
    for (;;) {
      const end = this.#pending.indexOf("\n");
      const size = end < 0 ? this.#pending.length : end;
      if (size >= LINE_MAX_BYTES) {
        return fault("smtp-garbage", `${what} has a line of more than ${LINE_MAX_BYTES} octets`);
      }
      if (end >= 0) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      const read = await this.#link.read(buffer);
      if (read === null) {
        return fault("smtp-closed", `connection ended before ${what} was complete`);
      }
      this.#pending += String.fromCharCode(...buffer.subarray(0, read));
    }
  }
}

function fault(id: SmtpFault["id"], detail: string): SmtpFault {
  return { kind: "failed", id, detail };
}

function quote(text: string): string {
  return quoteText(text, QUOTE_MAX_LENGTH);
}
