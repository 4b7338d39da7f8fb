/**
 * One TCP connection to a DNS resolver and the questions asked on it: their ids, which are open, and what a message
 * answers. It does not decide what to ask next, nor what to do when the connection ends.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { failure, HEADER_BYTES } from "./exchange.ts";
import type { WireFailure } from "./exchange.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import { openTcpLink } from "./tcp_link.ts";
import type { TcpLink } from "./tcp_link.ts";

/**
 * Time without a question sent, ms, after which a cheap one (the nudge) is sent if an answer has come and more are
 * due. Most DNS resolvers have Nagle's algorithm on and hold back a small answer until the one before is
 * acknowledged; our system acknowledges only with the next question, or after 40 ms.
 */
const NUDGE_MS = 2;

/**
 * A question that has been open for this long is cleared, ms. A DNS resolver that hangs up over a question does so
 * when it reads it, so this one is not the cause, and those behind it need not wait for its answer.
 */
export const CLEARED_MS = 100;

/** A question under way. */
export interface WireQuestion {
  /** The message behind its two length octets; its id is set anew with each `send()`. */
  readonly query: Uint8Array;
  /** Settles with the answer. @returns Whether it could be read. */
  accept(message: Uint8Array): boolean;
  /** Settles without an answer. */
  fail(failure: WireFailure): void;
  /** It has its answer or has failed; a message that comes later is dropped. */
  settled: boolean;
  /** Connections that ended without an answer while this was the only question that could be the cause. */
  hangUps: number;
  /** Was once open for {@link CLEARED_MS}: the DNS resolver does not hang up over it. */
  cleared: boolean;
  /** Where and when it was last sent, and how many messages had come by then. */
  sent: { readonly link: WireLink; readonly at: number; readonly heard: number } | undefined;
}

/** What a message was: an answer, one that cannot be read, too short for DNS, or not to an open question. */
export type Taken = "answer" | "unreadable" | "runt" | "unasked";

/** What a {@link WireLink} works with. */
export interface WireLinkOptions {
  /** Times questions and the nudge. */
  readonly clock: Clock;
  /** Draws an id. */
  readonly random: () => number;
  /** Makes a question that is answered at once, with its length octets in front. */
  readonly nudge: (() => Uint8Array) | undefined;
  /** A message has come, for `take()`. */
  onMessage(message: Uint8Array, link: WireLink): void;
  /** The connection could not be made or has ended; not called after `close()`. */
  onEnd(why: WireFailure, link: WireLink): void;
}

/** The connection. */
export class WireLink {
  readonly #options: WireLinkOptions;
  readonly #tcp: TcpLink;
  /** By id. */
  readonly #questions = new Map<number, WireQuestion>();
  /** How many of the questions were given up. */
  #abandoned = 0;
  #heard = 0;
  #hasAnswered = false;
  /** Messages sent, and how many these were when the last answer came. */
  #sent = 0;
  #sentBefore = 0;
  /** Id of the nudge under way, and how many messages had been sent then. */
  #nudgeId: number | undefined;
  #nudgedAt = 0;
  #cancelNudge: (() => void) | undefined;

  /** Starts to connect. Questions may be sent right away. */
  constructor(server: ServerAddress, options: WireLinkOptions) {
    this.#options = options;
    this.#tcp = openTcpLink(server, {
      clock: options.clock,
      onMessage: (message) => options.onMessage(message, this),
      onEnd: (detail) => {
        this.#cancelNudge?.();
        options.onEnd(failure("unreachable", detail), this);
      },
    });
  }

  /** Whether the connection was made. */
  get opened(): boolean {
    return this.#tcp.opened;
  }

  /** Messages received, whatever was in them. */
  get heard(): number {
    return this.#heard;
  }

  /** Whether it has brought an answer. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Questions sent, neither answered nor given up. */
  get inFlight(): number {
    return this.#questions.size - this.#abandoned;
  }

  /** Questions in flight that are not cleared. */
  get uncleared(): number {
    let count = 0;
    for (const { settled, cleared } of this.#questions.values()) if (!settled && !cleared) count++;
    return count;
  }

  /** The questions in flight, in the order in which they were sent. */
  open(): WireQuestion[] {
    return [...this.#questions.values()].filter((question) => !question.settled);
  }

  /** Clears the questions that have been open for {@link CLEARED_MS}. */
  clear(): void {
    const now = this.#options.clock.now();
    for (const question of this.#questions.values()) {
      if (question.sent !== undefined) question.cleared ||= now - question.sent.at >= CLEARED_MS;
    }
  }

  /** Sends a question under an id of its own. */
  send(question: WireQuestion): void {
    const id = this.#unusedId();
    question.sent = { link: this, at: this.#options.clock.now(), heard: this.#heard };
    this.#questions.set(id, question);
    this.#sendWithId(question.query, id);
  }

  /** Counts a question as given up, whose answer may still come. @returns How many there are. */
  abandon(): number {
    return ++this.#abandoned;
  }

  /** Settles the question that a message answers. */
  take(message: Uint8Array): Taken {
    this.#heard++;
    if (message.length < HEADER_BYTES) return "runt";
    const id = message[0]! << 8 | message[1]!;
    const question = this.#questions.get(id);
    if (question === undefined) {
      if (id === this.#nudgeId) this.#endNudge();
      return "unasked";
    }
    this.#questions.delete(id);
    this.#hasAnswered = true;
    if (question.settled) this.#abandoned--;
    else if (!question.accept(message)) return "unreadable";
    this.#nudgeLater();
    return "answer";
  }

  /** Ends the connection. Its questions are the caller's. */
  close(): void {
    this.#cancelNudge?.();
    this.#tcp.close();
  }

  /** Random, so that a late answer of an earlier connection cannot be expected (RFC 5452, section 9.2). */
  #unusedId(): number {
    const { random } = this.#options;
    let id = random();
    while (this.#questions.has(id) || id === this.#nudgeId) id = random();
    return id;
  }

  #nudgeLater(): void {
    this.#sentBefore = this.#sent;
    const { clock, nudge } = this.#options;
    if (nudge === undefined || this.inFlight === 0) return;
    this.#cancelNudge ??= clock.setTimer(() => {
      this.#cancelNudge = undefined;
      const isDue = this.inFlight > 0 && this.#sentBefore === this.#sent;
      if (!isDue || this.#nudgeId !== undefined) return;
      this.#nudgeId = this.#unusedId();
      this.#sendWithId(nudge(), this.#nudgeId);
      this.#nudgedAt = this.#sent;
    }, NUDGE_MS);
  }

  #endNudge(): void {
    this.#nudgeId = undefined;
    // Its own answer may hold back those of later questions.
    if (this.#sent > this.#nudgedAt) this.#nudgeLater();
  }

  #sendWithId(query: Uint8Array, id: number): void {
    query[2] = id >> 8;
    query[3] = id & 0xff;
    this.#sent++;
    this.#tcp.send(query);
  }
}
