/**
 * Hands report mail to the operator's mail server, one message at a time over one connection, at a bounded rate.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/wait.ts";
import { formatMessage, type Message } from "../mail/compose.ts";
import type { ByteLink } from "../mail/reply.ts";
import { SmtpClient } from "../mail/smtp_client.ts";
import type { Attempt } from "./attempt.ts";

/** Between two mails at least, ms: 70 a second, which leaves a mail server time for the mail of people. */
const PAUSE_MS = 1000 / 70;

/** Mails over one connection; then a key that was changed is read, and a server that was restarted found. */
const MAILS_MAX = 100;

/** A connection without mail is closed after this time, ms. */
const IDLE_MS = 5000;

/** After a server could not be reached nobody tries for this time, ms. */
const REST_MS = 60_000;

/** One mail, not signed yet. */
export interface ReportMail {
  /** Envelope sender, a mail address; gets the bounces. */
  readonly from: string;
  /** Envelope recipient, a mail address. */
  readonly to: string;
  /** Header fields and body. */
  readonly message: Message;
}

/** What a connection begins with. */
export type Opened =
  | {
    readonly kind: "open";
    readonly link: ByteLink;
    /** The name for EHLO. */
    readonly helo: string;
    /** Signs each message that goes over the connection. */
    readonly sign: (message: Message) => Promise<Message>;
  }
  | { readonly kind: "failed"; readonly error: string };

/** What {@link Mailer} needs. */
export interface MailerOptions {
  /** Paces the mails, and bounds the wait for a reply. */
  readonly clock: Clock;
  /** Connects, and reads the key. Never rejects. */
  readonly open: () => Promise<Opened>;
}

/** A connection in use. */
interface Session {
  readonly link: ByteLink;
  readonly client: SmtpClient;
  readonly sign: (message: Message) => Promise<Message>;
  mails: number;
}

/** Hands over mails. Call {@link Mailer.send} for the next when the last has ended. */
export class Mailer {
  readonly #options: MailerOptions;
  #session: Session | undefined;
  #cancelIdle = () => {};
  #nextAt = 0;
  #isAborted = false;
  #rest: { readonly until: number; readonly attempt: Attempt } | undefined;

  /** Connects when there is something to send. */
  constructor(options: MailerOptions) {
    this.#options = options;
  }

  /** Sends one mail. Never rejects. */
  async send(mail: ReportMail): Promise<Attempt> {
    const { clock } = this.#options;
    const now = clock.now();
    if (this.#rest !== undefined && now < this.#rest.until) return this.#rest.attempt;
    this.#cancelIdle();
    if (now < this.#nextAt) await sleep(this.#nextAt - now, clock);
    this.#nextAt = clock.now() + PAUSE_MS;
    const isUsed = this.#session !== undefined;
    let attempt = await this.#try(mail);
    // The server may have closed a connection that had nothing to do.
    if (isUsed && attempt.kind === "failed" && attempt.isDown) attempt = await this.#try(mail);
    if (attempt.kind === "failed" && attempt.isDown) {
      this.#rest = { until: clock.now() + REST_MS, attempt };
    } else this.#rest = undefined;
    if (this.#session !== undefined) {
      this.#cancelIdle = clock.setTimer(() => void this.close(), IDLE_MS);
    }
    return attempt;
  }

  /** Ends the connection at once, whatever is under way, and makes no other. */
  abort(): void {
    this.#isAborted = true;
    this.#cancelIdle();
    this.#session?.link.close();
    this.#session = undefined;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#cancelIdle();
    const session = this.#session;
    this.#session = undefined;
    await session?.client.close();
  }

  async #try({ from, to, message }: ReportMail): Promise<Attempt> {
    const session = this.#session ?? await this.#open();
    if (typeof session === "string") return down(session);
    this.#session = session;
    const content = formatMessage(await session.sign(message));
    const outcome = await session.client.send({ from, to, content });
    session.mails++;
    if (outcome.kind === "broken") {
      this.#session = undefined;
      return down(outcome.error);
    }
    if (session.mails >= MAILS_MAX) await this.close();
    if (outcome.kind === "sent") return { kind: "accepted" };
    const { error, isPermanent } = outcome;
    return isPermanent ? { kind: "refused", error } : { kind: "failed", error, isDown: false };
  }

  /** @returns Why there is none, in one line. */
  async #open(): Promise<Session | string> {
    if (this.#isAborted) return "sending has ended";
    const opened = await this.#options.open();
    if (opened.kind === "failed") return opened.error;
    const { link, sign } = opened;
    const client = new SmtpClient(link, this.#options);
    const fault = await client.open(opened.helo);
    if (fault === undefined) return { link, client, sign, mails: 0 };
    link.close();
    return fault;
  }
}

function down(error: string): Attempt {
  return { kind: "failed", error: `mail server: ${error}`, isDown: true };
}
