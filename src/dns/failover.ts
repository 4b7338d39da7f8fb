/**
 * One question, asked of the resolvers in turn.
 *
 * It goes to the first resolver; when that one cannot be reached, is silent, refuses or fails,
 * to the next. Each gets an equal part of the time that is left. What a validating resolver holds
 * for bogus is the end, however: the next one may not validate, and would hand out the forgery.
 *
 * @module
 */

import type { Clock } from "../resolver/clock.ts";
import { decodeReply, encodeQuestion, failed, MAX_ALIASES, TOO_MANY_ALIASES } from "./message.ts";
import type { Failed, Question, Reply } from "./message.ts";
import type { Server, ServerList } from "./servers.ts";
import type { DnsAnswer, DnsFailure, RecordData, RecordType } from "./types.ts";

/** How much a failure says, from least to most: when all resolvers fail, the most telling is reported. */
const TELLING: readonly DnsFailure[] = [
  "unreachable",
  "timeout",
  "malformed",
  "refused",
  "servfail",
  "bogus",
];

/** Asked without recursion, this needs nobody else: a resolver has it at hand, or refuses, at once. */
const ROOT: Question = { name: "", type: "NS" };

/** A resolver that has not a word to say to {@link ROOT} for this long is down, ms. */
const CHECK_TIMEOUT_MS = 2000;

/** The end of a question. */
export interface Limits {
  /** ms of the clock */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** Asks the resolvers of a list. */
export class Failover {
  readonly #servers: ServerList;
  readonly #clock: Clock;

  constructor(servers: ServerList, options: { clock: Clock }) {
    this.#servers = servers;
    this.#clock = options.clock;
  }

  /**
   * Asks one question, and asks on where an answer has an alias but not what it points to.
   *
   * @returns The first answer that is no failure, or is `bogus`; else the most telling failure. Never rejects.
   */
  async ask<T extends RecordType>(
    { name, type }: Question<T>,
    limits: Limits,
  ): Promise<DnsAnswer<RecordData[T]>> {
    let [target, links, secure, ttl] = [name, 0, true, Infinity];
    for (;;) {
      const reply = await this.#askInTurn({ name: target, type }, limits);
      if (reply.kind === "failed") return reply;
      secure &&= reply.secure;
      ttl = Math.min(ttl, reply.ttl);
      if (reply.kind !== "alias") return { ...reply, secure, ttl };
      target = reply.target;
      links += reply.links;
      if (links > MAX_ALIASES) return failed("servfail", TOO_MANY_ALIASES);
    }
  }

  async #askInTurn<T extends RecordType>(
    question: Question<T>,
    { deadline, signal }: Limits,
  ): Promise<Reply<RecordData[T]>> {
    const tried = new Set<Server>();
    let failure: Failed | undefined;
    for (;;) {
      const candidates = this.#servers.candidates(tried);
      const [server] = candidates;
      if (server === undefined) return failure ?? failed("unreachable", "no resolver");
      // Where one has answered, those set aside have nothing to add.
      if (failure !== undefined && hasAnswered(failure) && this.#servers.isDown(server)) {
        return failure;
      }
      const now = this.#clock.now();
      if (now >= deadline || signal?.aborted) return failure ?? failed("timeout", "no time left");
      tried.add(server);
      const share = now + (deadline - now) / candidates.length;
      const reply = await this.#askServer(server, question, { deadline: share, signal });
      if (reply.kind !== "failed" || reply.reason === "bogus") return reply;
      failure = moreTelling(reply, failure);
    }
  }

  /** Tells a domain that fails validation from one that cannot be resolved (RFC 4035, section 3.2.2). */
  async #askServer<T extends RecordType>(
    server: Server,
    question: Question<T>,
    limits: Limits,
  ): Promise<Reply<RecordData[T]>> {
    const reply = await this.#send(server, question, { ...limits, checkingDisabled: false });
    if (reply.kind !== "failed" || reply.reason !== "servfail") return reply;
    const unchecked = await this.#send(server, question, { ...limits, checkingDisabled: true });
    if (unchecked.kind === "failed") return reply;
    return failed("bogus", `${reply.detail}, but not with checking disabled`);
  }

  async #send<T extends RecordType>(
    server: Server,
    question: Question<T>,
    { deadline, signal, checkingDisabled }: Limits & { checkingDisabled: boolean },
  ): Promise<Reply<RecordData[T]>> {
    const query = encodeQuestion(question, { checkingDisabled });
    const reply = await server.wire.ask<Reply<RecordData[T]>>(query, {
      decode: (message) => decodeReply(message, question),
      timeout: deadline - this.#clock.now(),
      signal,
    });
    if (!("silent" in reply)) this.#servers.setUp(server);
    else if (reply.reason === "unreachable") this.#servers.setAside(server, reply.detail);
    else if (reply.silent) this.#check(server);
    if (reply.kind !== "failed") return reply;
    return failed(reply.reason, `${server.label}: ${reply.detail}`);
  }

  /** A slow domain at a quiet hour makes a good resolver look silent, so it is asked for a sign of life. */
  async #check(server: Server): Promise<void> {
    const reply = await server.wire.ask(encodeQuestion(ROOT, { recursionDesired: false }), {
      decode: () => "alive" as const,
      timeout: CHECK_TIMEOUT_MS,
    });
    if (reply !== "alive") this.#servers.setAside(server, reply.detail);
  }
}

function hasAnswered({ reason }: Failed): boolean {
  return reason !== "unreachable" && reason !== "timeout";
}

function moreTelling(failure: Failed, other: Failed | undefined): Failed {
  if (other === undefined) return failure;
  return TELLING.indexOf(failure.reason) > TELLING.indexOf(other.reason) ? failure : other;
}
