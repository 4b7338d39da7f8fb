/**
 * One DNS resolver, and how to get an answer from it.
 *
 * UDP comes first: every DNS resolver speaks it, some do not speak TCP, and small answers come at once. TCP is for an
 * answer that is truncated or unreadable, for `use-vc` in resolv.conf, and for a DNS resolver whose UDP is shut. It
 * also serves while many questions are open, because one segment carries many of them at a third of the cost. If a
 * question has no answer after a moment and nothing else has come either, we look for a sign of life (ways.ts).
 * The fate of one question, refused or left without an answer, says nothing about the DNS resolver.
 *
 * A DNS resolver that does not take EDNS is asked without it (edns.ts). The AD bit in the header is asked for all
 * the same.
 *
 * @module
 */

import { CLOSED } from "./exchange.ts";
import type { WireFailure } from "./exchange.ts";
import { decodeReply, encodeQuestion, failed } from "./message.ts";
import type { Question, QuestionOptions, Reply } from "./message.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import type { RecordData, RecordType, WayState } from "./types.ts";
import type { UdpFailure } from "./udp_questions.ts";
import { Ways } from "./ways.ts";
import type { WaysOptions } from "./ways.ts";

/** With this many questions open, more go over TCP if that is known to work. One first contact opens three at most. */
const MANY = 4;

/** How long one of many questions waits for TCP before it turns to UDP, ms. */
const TCP_PATIENCE_MS = 1500;

/** How to ask one question. */
export interface TransportLimits {
  /** ms of the clock */
  readonly deadline: number;
  /** Ends the wait early; the reply is then a failure. */
  readonly signal: AbortSignal | undefined;
  /** Sets the CD bit: the answer comes even if it is bogus (RFC 4035, 3.2.2). @default {false} */
  readonly checkingDisabled?: boolean;
}

/** An answer from a message, or none. */
type Outcome<T> = Reply<T> | WireFailure;

/** How to read an answer, and until when to wait. */
interface Exchange<T> {
  readonly question: Question;
  readonly how: QuestionOptions;
  readonly limits: TransportLimits;
  decode(message: Uint8Array): Reply<T>;
}

/** Asks one DNS resolver. */
export class Transport {
  readonly #options: WaysOptions;
  readonly #ways: Ways;
  /** Questions under way. */
  #open = 0;

  /** Opens nothing yet. */
  constructor(server: ServerAddress, options: WaysOptions) {
    this.#options = options;
    this.#ways = new Ways(server, options);
  }

  /** What is known of UDP, TCP and EDNS. */
  state(): { readonly udp: WayState; readonly tcp: WayState; readonly edns: boolean } {
    return this.#ways.state();
  }

  /**
   * Asks one question.
   *
   * @returns The answer, or a failure; `isHeard` is whether it is in a message of the DNS resolver. Never rejects.
   */
  async ask<T extends RecordType>(
    question: Question<T>,
    limits: TransportLimits,
  ): Promise<{ readonly reply: Reply<RecordData[T]>; readonly isHeard: boolean }> {
    this.#open++;
    try {
      const outcome = await this.#ask(question, limits);
      if (!("silent" in outcome)) return { reply: outcome, isHeard: true };
      return { reply: failed(outcome.reason, outcome.detail), isHeard: false };
    } finally {
      this.#open--;
    }
  }

  /** Looks for a sign of life, both ways. @returns Whether one came. Never rejects. */
  look(): Promise<boolean> {
    return this.#ways.look();
  }

  /** Looks whether UDP works and whether TCP works, and returns when both are known. Never rejects. */
  inspect(): Promise<void> {
    return this.#ways.inspect();
  }

  /** Closes everything. Open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#ways.close();
  }

  async #ask<T extends RecordType>(
    question: Question<T>,
    limits: TransportLimits,
  ): Promise<Outcome<RecordData[T]>> {
    const { edns } = this.#ways;
    const decode = (message: Uint8Array) => decodeReply(message, question);
    const exchange = (withEdns: boolean) => {
      const how = { checkingDisabled: limits.checkingDisabled ?? false, edns: withEdns };
      return this.#exchange<RecordData[T]>({ question, how, limits, decode });
    };
    const withEdns = edns.isAsked();
    const outcome = await exchange(withEdns);
    if (!withEdns) return outcome;
    if ("silent" in outcome) {
      // It was found out meanwhile that EDNS is dropped.
      const isDue = outcome.reason === "timeout" && edns.isDropped && this.#left(limits) > 0;
      return isDue && !limits.signal?.aborted ? await exchange(false) : outcome;
    }
    if (!("blamesEdns" in outcome)) {
      edns.accept();
      return outcome;
    }
    const plain = await exchange(false);
    // If the result is the same, EDNS is not to blame.
    if ("blamesEdns" in plain || "silent" in plain) return outcome;
    edns.refuse();
    return plain;
  }

  async #exchange<T>(exchange: Exchange<T>): Promise<Outcome<T>> {
    const ways = this.#ways;
    const speaksUdp = ways.speaksUdp();
    if (speaksUdp && this.#open >= MANY && ways.knowsTcp()) {
      const outcome = await this.#askTcp(exchange, TCP_PATIENCE_MS);
      if (!("silent" in outcome)) return outcome;
      if (outcome.silent || outcome.reason === "unreachable") ways.leaveTcp();
      const { limits } = exchange;
      if (this.#left(limits) <= 0 || limits.signal?.aborted) return outcome;
    }
    let first: UdpFailure | undefined;
    if (speaksUdp) {
      const outcome = await this.#askUdp(exchange);
      if (!needsTcp(outcome)) {
        if (!("silent" in outcome)) ways.noteAnswer("udp");
        return outcome;
      }
      first = outcome;
    }
    if (ways.closed) return CLOSED;
    const outcome = await this.#askTcp(exchange, Infinity);
    if ("silent" in outcome) return this.#judgeTcp(outcome, first);
    if (first?.kind === "shut") ways.shutUdp();
    return outcome;
  }

  #askUdp<T>({ question, how, limits, decode }: Exchange<T>): Promise<Reply<T> | UdpFailure> {
    return this.#ways.udp.ask<Reply<T>>(encodeQuestion(question, how), {
      decode,
      timeout: this.#left(limits),
      signal: limits.signal,
      onQuiet: () => this.#ways.look(),
    });
  }

  /** `patience` in ms. */
  async #askTcp<T>(
    { question, how, limits, decode }: Exchange<T>,
    patience: number,
  ): Promise<Outcome<T>> {
    const outcome = await this.#ways.tcp.ask<Reply<T>>(encodeQuestion(question, how), {
      decode,
      timeout: Math.min(this.#left(limits), patience),
      signal: limits.signal,
    });
    if (!("silent" in outcome)) this.#ways.noteAnswer("tcp");
    return outcome;
  }

  /** ms */
  #left({ deadline }: TransportLimits): number {
    return deadline - this.#options.clock.now();
  }

  /** Says what a failure over TCP means: nothing bad if UDP works. `first` is what UDP said. */
  #judgeTcp(why: WireFailure, first: UdpFailure | undefined): WireFailure {
    if (first?.kind === "truncated") {
      const detail = `truncated over UDP, and no answer over TCP: ${why.detail}`;
      return { ...why, reason: why.reason === "timeout" ? "timeout" : "malformed", detail };
    }
    if (first?.kind === "failed") return why.reason === "unreachable" ? first : why;
    if (this.#ways.closed) return why;
    if (why.reason === "unreachable") this.#ways.goDown(why.detail);
    else if (why.silent || why.reason === "refused") this.#ways.look();
    return why;
  }
}

/** Whether TCP may succeed where UDP failed. */
function needsTcp<T>(outcome: Outcome<T> | UdpFailure): outcome is UdpFailure {
  if (outcome.kind === "truncated" || outcome.kind === "shut") return true;
  return "silent" in outcome && outcome.reason === "malformed";
}
