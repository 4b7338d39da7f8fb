/**
 * The part of SMTP that leads to TLS (RFC 5321 §4.2, RFC 3207 §4): greeting, EHLO, STARTTLS, and EHLO
 * again inside TLS. It never begins a mail transaction.
 *
 * A server may send anything. So waits are bounded, as lines and replies are in `mail/reply.ts`, and text of the
 * server is quoted and cut before it goes into a finding.
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";
import { type ByteLink, quoteReply, type Reply, ReplyReader } from "../mail/reply.ts";
import type { FindingId } from "./finding.ts";
import type { TimeBudget } from "./time_budget.ts";

/** Where a dialogue ended too early. `id` is that of the finding; `detail` is fit to print. */
export interface SmtpFault {
  readonly kind: "failed";
  readonly id: Extract<FindingId, `smtp-${string}`>;
  readonly detail: string;
}

type ReplyResult = Reply | SmtpFault;

/** Enough of a text to recognise it, UTF-16 units. */
const QUOTE_MAX_LENGTH = 160;

/** A session with one server. */
export class SmtpDialogue {
  readonly #link: ByteLink;
  readonly #replies: ReplyReader;
  readonly #budget: TimeBudget;
  readonly #helo: string;

  /** @param options `helo`: the name for EHLO. */
  constructor(link: ByteLink, options: { readonly budget: TimeBudget; readonly helo: string }) {
    this.#link = link;
    this.#replies = new ReplyReader(link);
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
    const { pending } = this.#replies;
    return pending === "" ? undefined : fault("smtp-trailing", quote(pending));
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
    const reply = await this.#budget.run(this.#replies.read(what), () => this.#link.close());
    if (reply === "timeout") {
      return fault("smtp-timeout", `timed out while waiting for ${what}`);
    }
    if (reply.kind === "faulty") return fault(`smtp-${reply.reason}`, reply.detail);
    return reply.code === code ? reply : fault(id, quoteReply(reply));
  }
}

function fault(id: SmtpFault["id"], detail: string): SmtpFault {
  return { kind: "failed", id, detail };
}

function quote(text: string): string {
  return quoteText(text, QUOTE_MAX_LENGTH);
}
