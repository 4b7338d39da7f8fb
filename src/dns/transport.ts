/**
 * One resolver, and how to get an answer from it.
 *
 * UDP first: every resolver speaks it, some do not speak TCP, and small answers come at once. TCP for an answer
 * that is cut or cannot be read, where resolv.conf wants it (`use-vc`), and where UDP is shut; and while
 * many questions are open, since one segment carries many of them at a third of the cost. When a question
 * has no answer after a moment and nothing else has come either, the resolver is asked for a sign of life both
 * ways: if it comes over TCP alone, UDP counts as shut for a while; if none comes, the resolver is down.
 * What becomes of one question, refused or left without an answer, says nothing about the resolver.
 *
 * A resolver that takes EDNS for a mistake is asked without it, for a while (RFC 6891 §7). The AD bit
 * in the header is asked for all the same.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { WireFailure } from "./exchange.ts";
import { decodeReply, encodeQuestion, failed } from "./message.ts";
import type { Question, QuestionOptions, Reply } from "./message.ts";
import type { ServerAddress } from "./resolv_conf.ts";
import type { RecordData, RecordType, WayState } from "./types.ts";
import { UdpQuestions } from "./udp_questions.ts";
import type { UdpFailure } from "./udp_questions.ts";
import { WireConnection } from "./wire_connection.ts";

/** Asked without recursion, this needs nobody else: a resolver has it at hand, or refuses, at once. */
const ROOT: Question = { name: "", type: "NS" };

/** How long a sign of life may take over UDP, ms: it is asked for twice in this time. */
const UDP_SIGN_MS = 600;

/** How long it may take over TCP, ms, unless the connection is refused: a busy resolver is not down. */
const TCP_SIGN_MS = 1500;

/** A way that was shut is tried again after this, ms, beside the questions. */
const RETRY_MS = 5 * 60_000;

/** EDNS that was refused is tried again after this, ms: a better resolver or a better way there is a matter of days. */
const EDNS_RETRY_MS = 3600 * 1000;

/** With so many questions open, others go over TCP where that is known to work; one first contact opens three at most. */
const MANY = 4;

/** TCP that gives no answer to one of many questions is no longer waited for after this, ms. */
const TCP_PATIENCE_MS = 1500;

/** How to ask one question. */
export interface TransportLimits {
  /** ms of the clock */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  readonly checkingDisabled?: boolean;
}

/** What a transport works with, and whom it tells what it learns. */
export interface TransportOptions {
  readonly clock: Clock;
  /** TCP alone. */
  readonly usesTcp: boolean;
  /** No sign of life comes. `detail` is one line. */
  onDown(detail: string): void;
  /** UDP or EDNS works no more, or again. */
  onChange(what: "udp" | "edns", works: boolean): void;
}

/** What an answer may be: a message's, or none. */
type Outcome<T> = Reply<T> | WireFailure;

/** The way to one resolver. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #udp: UdpQuestions;
  readonly #tcp: WireConnection;
  #udpState: WayState = "unknown";
  #tcpState: WayState = "unknown";
  /** When UDP was last found shut, and EDNS refused, ms of the clock; `undefined`: they are not. */
  #udpShutAt: number | undefined;
  #ednsRefusedAt: number | undefined;
  /** When TCP was last tried, ms of the clock. */
  #tcpTriedAt = -Infinity;
  /** Questions under way. */
  #open = 0;
  #looking: Promise<boolean> | undefined;
  #closed = false;

  /** Nothing is opened yet. */
  constructor(server: ServerAddress, options: TransportOptions) {
    this.#options = options;
    this.#udp = new UdpQuestions(server, options);
    const nudge = () => encodeQuestion(ROOT, { recursionDesired: false, edns: false });
    this.#tcp = new WireConnection(server, { ...options, nudge });
    if (options.usesTcp) this.#udpState = "off";
  }

  /** What is known of UDP, TCP and EDNS. */
  state(): { readonly udp: WayState; readonly tcp: WayState; readonly edns: boolean } {
    return { udp: this.#udpState, tcp: this.#tcpState, edns: this.#ednsRefusedAt === undefined };
  }

  /**
   * Asks one question.
   *
   * @returns The answer, or a failure; `isHeard` is whether it is in a message of the resolver. Never rejects.
   */
  async ask<T extends RecordType>(
    question: Question<T>,
    limits: TransportLimits,
  ): Promise<{ readonly reply: Reply<RecordData[T]>; readonly isHeard: boolean }> {
    this.#open++;
    try {
      return await this.#ask(question, limits);
    } finally {
      this.#open--;
    }
  }

  async #ask<T extends RecordType>(
    question: Question<T>,
    limits: TransportLimits,
  ): Promise<{ readonly reply: Reply<RecordData[T]>; readonly isHeard: boolean }> {
    const { checkingDisabled = false } = limits;
    const edns = this.#asksWithEdns();
    let outcome = await this.#exchange(question, limits, { checkingDisabled, edns });
    if (edns && !("silent" in outcome)) {
      if (!("blamesEdns" in outcome)) this.#acceptEdns();
      else {
        const plain = await this.#exchange(question, limits, { checkingDisabled, edns: false });
        // Where it makes no difference, EDNS is not to blame.
        if (!("blamesEdns" in plain) && !("silent" in plain)) {
          this.#refuseEdns();
          outcome = plain;
        }
      }
    }
    if (!("silent" in outcome)) return { reply: outcome, isHeard: true };
    return { reply: failed(outcome.reason, outcome.detail), isHeard: false };
  }

  /** Looks for a sign of life, both ways. @returns Whether one came. Never rejects. */
  look(): Promise<boolean> {
    return this.#looking ??= this.#lookNow().finally(() => this.#looking = undefined);
  }

  /** Looks whether both ways work, UDP and TCP, and returns when that is known. Never rejects. */
  async inspect(): Promise<void> {
    const [overUdp, overTcp] = await Promise.all([this.#look("udp"), this.#look("tcp")]);
    if (overUdp !== undefined && overTcp === undefined) this.#shutUdp();
  }

  /** Closes everything; open questions fail with `unreachable`, and so do later ones. */
  close(): void {
    this.#closed = true;
    this.#udp.close();
    this.#tcp.close();
  }

  async #exchange<T extends RecordType>(
    question: Question<T>,
    limits: TransportLimits,
    how: QuestionOptions,
  ): Promise<Outcome<RecordData[T]>> {
    const decode = (message: Uint8Array) => decodeReply(message, question);
    const left = () => limits.deadline - this.#options.clock.now();
    const overTcp = async (timeout: number) => {
      const options = { decode, timeout, signal: limits.signal };
      const outcome = await this.#tcp.ask(encodeQuestion(question, how), options);
      if (!("silent" in outcome)) this.#tcpState = "answers";
      return outcome;
    };
    const speaksUdp = this.#speaksUdp();
    if (speaksUdp && this.#prefersTcp()) {
      const outcome = await overTcp(Math.min(left(), TCP_PATIENCE_MS));
      if (!("silent" in outcome)) return outcome;
      if (outcome.silent || outcome.reason === "unreachable") {
        this.#tcpState = "no answer";
        this.#tcpTriedAt = this.#options.clock.now();
      }
      if (left() <= 0 || limits.signal?.aborted) return outcome;
    }
    let first: UdpFailure | undefined;
    if (speaksUdp) {
      const outcome = await this.#udp.ask<Reply<RecordData[T]>>(encodeQuestion(question, how), {
        decode,
        timeout: left(),
        signal: limits.signal,
        onQuiet: () => this.look(),
      });
      if (!needsTcp(outcome)) {
        if (!("silent" in outcome)) this.#udpState = "answers";
        return outcome;
      }
      first = outcome;
    }
    if (this.#closed) return CLOSED;
    const outcome = await overTcp(left());
    if ("silent" in outcome) return this.#judgeTcp(outcome, first);
    if (first?.kind === "shut") this.#shutUdp();
    return outcome;
  }

  /** Whether there are so many questions that TCP is the better way. Whether it works is found out beside them. */
  #prefersTcp(): boolean {
    if (this.#open < MANY) return false;
    if (this.#tcpState === "answers") return true;
    const now = this.#options.clock.now();
    if (now - this.#tcpTriedAt >= RETRY_MS) {
      this.#tcpTriedAt = now;
      this.#look("tcp");
    }
    return false;
  }

  /** What a failure over TCP means, which is nothing bad where UDP works. */
  #judgeTcp(failure: WireFailure, first: UdpFailure | undefined): WireFailure {
    if (first?.kind === "truncated") {
      const detail = `truncated over UDP, and no answer over TCP: ${failure.detail}`;
      return { ...failure, reason: failure.reason === "timeout" ? "timeout" : "malformed", detail };
    }
    if (first?.kind === "failed") return failure.reason === "unreachable" ? first : failure;
    if (this.#closed) return failure;
    if (failure.reason === "unreachable") {
      this.#goDown(failure.detail);
    } else if (failure.silent || failure.reason === "refused") {
      this.look();
    }
    return failure;
  }

  #speaksUdp(): boolean {
    if (this.#options.usesTcp) return false;
    if (this.#udpShutAt === undefined) return true;
    const now = this.#options.clock.now();
    if (now - this.#udpShutAt < RETRY_MS) return false;
    // Questions go on over TCP until there is a sign.
    this.#udpShutAt = now;
    this.#look("udp");
    return false;
  }

  #asksWithEdns(): boolean {
    return this.#ednsRefusedAt === undefined ||
      this.#options.clock.now() - this.#ednsRefusedAt >= EDNS_RETRY_MS;
  }

  #refuseEdns(): void {
    if (this.#ednsRefusedAt === undefined) this.#options.onChange("edns", false);
    this.#ednsRefusedAt = this.#options.clock.now();
  }

  #acceptEdns(): void {
    if (this.#ednsRefusedAt === undefined) return;
    this.#ednsRefusedAt = undefined;
    this.#options.onChange("edns", true);
  }

  async #lookNow(): Promise<boolean> {
    const { heard } = this.#udp;
    const overTcp = this.#look("tcp");
    if (!this.#options.usesTcp && await this.#look("udp") === undefined) return true;
    const why = await overTcp;
    if (this.#closed) return false;
    // It may have come late.
    if (this.#udp.heard > heard) return true;
    if (why === undefined) this.#shutUdp();
    else this.#goDown(why);
    return why === undefined;
  }

  /** Asks for a sign of life one way. @returns Why none came. */
  async #look(way: "udp" | "tcp"): Promise<string | undefined> {
    if (way === "udp" && this.#options.usesTcp) return undefined;
    const query = encodeQuestion(ROOT, { recursionDesired: false, edns: this.#asksWithEdns() });
    const decode = () => "alive" as const;
    const heard = this.#udp.heard;
    const outcome = way === "udp"
      ? await this.#udp.ask(query, { decode, timeout: UDP_SIGN_MS })
      : await this.#tcp.ask(query, { decode, timeout: TCP_SIGN_MS });
    // Over UDP any datagram is a sign, and a cut one is an answer, too.
    if (outcome === "alive" || (way === "udp" && this.#udp.heard > heard)) {
      if (way === "tcp") this.#tcpState = "answers";
      else this.#openUdp();
      return undefined;
    }
    if (way === "tcp") this.#tcpState = "no answer";
    else this.#udpState = "no answer";
    return "detail" in outcome ? outcome.detail : "no answer over UDP";
  }

  #openUdp(): void {
    this.#udpState = "answers";
    if (this.#udpShutAt === undefined) return;
    this.#udpShutAt = undefined;
    this.#options.onChange("udp", true);
  }

  #shutUdp(): void {
    if (this.#options.usesTcp) return;
    if (this.#udpShutAt === undefined) this.#options.onChange("udp", false);
    this.#udpShutAt = this.#options.clock.now();
    this.#udp.failAll({ kind: "shut" });
  }

  #goDown(detail: string): void {
    this.#udpShutAt = undefined;
    this.#udp.failAll({ kind: "failed", reason: "unreachable", detail, silent: false });
    this.#options.onDown(detail);
  }
}

/** A failure that TCP may not share. */
function needsTcp<T>(outcome: Outcome<T> | UdpFailure): outcome is UdpFailure {
  if (outcome.kind === "truncated" || outcome.kind === "shut") return true;
  return "silent" in outcome && outcome.reason === "malformed";
}

const CLOSED: WireFailure = {
  kind: "failed",
  reason: "unreachable",
  detail: "the client is closed",
  silent: false,
};
