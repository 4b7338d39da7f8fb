/**
 * Hands messages to a mail server (RFC 5321), one after the other over one connection, with PIPELINING (RFC 2920)
 * where it is offered.
 *
 * Without TLS: the server is the operator's own, usually on this machine. Waits are bounded; the caller bounds the
 * connection as a whole by closing the link.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/wait.ts";
import { type ByteLink, quoteReply, type Reply, type ReplyFault, ReplyReader } from "./reply.ts";

/** One message. */
export interface Envelope {
  /** Gets the bounces. */
  readonly from: string;
  /** The one recipient. */
  readonly to: string;
  /** ASCII; lines end in CRLF. */
  readonly content: string;
}

/** What became of a message. `error` is one line, fit to print. */
export type SendOutcome =
  | { readonly kind: "sent" }
  /** `isPermanent`: a reply of 5xx; trying again is no use. */
  | { readonly kind: "rejected"; readonly isPermanent: boolean; readonly error: string }
  /** The connection is of no use any more. The message may have been taken. */
  | { readonly kind: "broken"; readonly error: string };

/** How long a reply may take, ms: a server that runs filters before it answers is given that time. */
const REPLY_MS = 60_000;

/** How long the server's farewell may take, ms. */
const QUIT_MS = 1000;

/** A session with one server. */
export class SmtpClient {
  readonly #link: ByteLink;
  readonly #replies: ReplyReader;
  readonly #clock: Pick<Clock, "setTimer">;
  #pipelines = false;

  /**
   * Sends nothing yet. `clock` bounds the wait for each reply.
   *
   * @param link A new connection, which the client owns from now on.
   */
  constructor(link: ByteLink, { clock }: { clock: Pick<Clock, "setTimer"> }) {
    this.#link = link;
    this.#replies = new ReplyReader(link);
    this.#clock = clock;
  }

  /**
   * Waits for the greeting and says hello. To be called once, first.
   *
   * @param helo The name for EHLO.
   * @returns Why the server cannot be used; `undefined` if it can.
   */
  async open(helo: string): Promise<string | undefined> {
    const greeting = await this.#read("the greeting");
    if (greeting.kind === "faulty") return greeting.detail;
    if (greeting.code !== 220) return `greets with ${quoteReply(greeting)}`;
    await this.#write(`EHLO ${helo}\r\n`);
    const hello = await this.#read("the reply to EHLO");
    if (hello.kind === "faulty") return hello.detail;
    if (hello.code !== 250) return `answers EHLO with ${quoteReply(hello)}`;
    this.#pipelines = hello.lines.slice(1).some((line) => /^PIPELINING *$/i.test(line));
    return undefined;
  }

  /** Sends one message. After `broken` the client is of no use. */
  async send({ from, to, content }: Envelope): Promise<SendOutcome> {
    const commands = [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA"];
    if (this.#pipelines) await this.#write(commands.map((line) => `${line}\r\n`).join(""));
    let rejected: SendOutcome | undefined;
    let isOpen = false;
    for (const command of commands) {
      if (!this.#pipelines) await this.#write(`${command}\r\n`);
      const verb = command.split(" ", 1)[0]!;
      const reply = await this.#read(`the reply to ${verb}`);
      if (reply.kind === "faulty" || reply.code === 421) return this.#broken(reply);
      isOpen = verb === "DATA" && reply.code === 354;
      const isGood = verb === "DATA" ? isOpen : reply.code >= 200 && reply.code < 300;
      if (!isGood) rejected ??= rejection(verb, reply);
      if (rejected !== undefined && !this.#pipelines) break;
    }
    // A server that takes the text of a message without recipients gets an empty one (RFC 2920 §3.1).
    if (isOpen) {
      await this.#write(rejected === undefined ? stuffDots(content) : ".\r\n");
      const reply = await this.#read("the reply to the message");
      if (reply.kind === "faulty" || reply.code === 421) return this.#broken(reply);
      if (reply.code < 200 || reply.code > 299) rejected ??= rejection("the message", reply);
    }
    return rejected === undefined ? { kind: "sent" } : await this.#reset(rejected);
  }

  /** Says goodbye and closes the connection. */
  async close(): Promise<void> {
    await this.#write("QUIT\r\n");
    const farewell = this.#replies.read("the reply to QUIT");
    await withDeadline(farewell, { ms: QUIT_MS, clock: this.#clock });
    this.#link.close();
  }

  /** Makes the server forget a transaction that went wrong. */
  async #reset(rejected: SendOutcome): Promise<SendOutcome> {
    await this.#write("RSET\r\n");
    const reply = await this.#read("the reply to RSET");
    // The next message finds out if this connection is over.
    if (reply.kind === "faulty" || reply.code !== 250) this.#link.close();
    return rejected;
  }

  #broken(reply: Reply | ReplyFault): SendOutcome {
    this.#link.close();
    const error = reply.kind === "faulty" ? reply.detail : `answers ${quoteReply(reply)}`;
    return { kind: "broken", error };
  }

  async #read(what: string): Promise<Reply | ReplyFault> {
    const wait = { ms: REPLY_MS, clock: this.#clock };
    const reply = await withDeadline(this.#replies.read(what), wait);
    if (reply !== undefined) return reply;
    this.#link.close();
    return { kind: "faulty", reason: "closed", detail: `timed out while waiting for ${what}` };
  }

  async #write(text: string): Promise<void> {
    const writing = this.#link.write(new TextEncoder().encode(text)).then(() => true);
    const wait = { ms: REPLY_MS, clock: this.#clock };
    if (await withDeadline(writing, wait) === undefined) this.#link.close();
  }
}

function rejection(what: string, reply: Reply): SendOutcome {
  const error = `answers ${quoteReply(reply)} to ${what}`;
  return { kind: "rejected", isPermanent: reply.code >= 500, error };
}

/** RFC 5321 §4.5.2. */
function stuffDots(content: string): string {
  const text = content.endsWith("\r\n") ? content : `${content}\r\n`;
  return `${text.replaceAll(/^\./gm, "..")}.\r\n`;
}
