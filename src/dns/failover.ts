/**
 * Asks the DNS resolvers one question, in turn.
 *
 * The question goes to the first DNS resolver. If that one is unreachable or silent, refuses or fails, it goes to the
 * next. Each gets an equal part of the time left. But if a validating DNS resolver says bogus, nobody else is asked:
 * the next one may not validate, and would hand out the forgery. For the same reason, an answer that must be
 * validated has the AD bit or comes from a DNS resolver that validates.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/wait.ts";
import { failed, MAX_ALIASES, TOO_MANY_ALIASES } from "./message.ts";
import type { Failed, Question, Reply } from "./message.ts";
import type { Server, ServerList } from "./servers.ts";
import type { DnsAnswer, DnsFailure, RecordData, RecordType } from "./types.ts";
import type { Validation } from "./validation.ts";

/** Failures from the least to the most telling. If all DNS resolvers fail, the most telling failure is reported. */
const TELLING: readonly DnsFailure[] = [
  "unreachable",
  "timeout",
  "unvalidated",
  "malformed",
  "refused",
  "servfail",
  "bogus",
];

/** When a question ends, and what counts as its answer. */
export interface Limits {
  /** ms of the clock */
  readonly deadline: number;
  /** Ends the question early: no further DNS resolver is asked. */
  readonly signal: AbortSignal | undefined;
  /** Accepts validated answers only. @default {false} */
  readonly validated?: boolean;
}

/** A reply and whether it was validated. */
type Judged<T> = Failed | Exclude<Reply<T>, Failed> & { readonly validated: boolean };

/** Asks the DNS resolvers of a list. */
export class Failover {
  readonly #servers: ServerList;
  readonly #clock: Clock;
  readonly #validation: Validation;

  /** Asks nothing yet. `validation` knows which DNS resolvers validate. */
  constructor(servers: ServerList, options: { clock: Clock; validation: Validation }) {
    this.#servers = servers;
    this.#clock = options.clock;
    this.#validation = options.validation;
  }

  /**
   * Asks one question. If an answer has an alias without its target, asks for the target.
   *
   * @returns The first answer that is not a failure or is `bogus`; otherwise the most telling failure. Never rejects.
   */
  async ask<T extends RecordType>(
    { name, type }: Question<T>,
    limits: Limits,
  ): Promise<DnsAnswer<RecordData[T]>> {
    let [target, links, secure, validated, ttl] = [name, 0, true, true, Infinity];
    for (;;) {
      const reply = await this.#askInTurn({ name: target, type }, limits);
      if (reply.kind === "failed") return reply;
      secure &&= reply.secure;
      validated &&= reply.validated;
      ttl = Math.min(ttl, reply.ttl);
      if (reply.kind !== "alias") return { ...reply, secure, validated, ttl };
      target = reply.target;
      links += reply.links;
      if (links > MAX_ALIASES) return failed("servfail", TOO_MANY_ALIASES);
    }
  }

  async #askInTurn<T extends RecordType>(
    question: Question<T>,
    limits: Limits,
  ): Promise<Judged<RecordData[T]>> {
    const { deadline, signal, validated = false } = limits;
    const tried = new Set<Server>();
    let failure: Failed | undefined;
    for (;;) {
      const candidates = this.#candidates(tried, validated);
      const [server] = candidates;
      if (server === undefined) return failure ?? failed("unreachable", "no DNS resolver");
      // One has answered, so those set aside have nothing to add.
      if (failure !== undefined && hasAnswered(failure) && this.#servers.isDown(server)) {
        return failure;
      }
      const now = this.#clock.now();
      if (now >= deadline || signal?.aborted) return failure ?? failed("timeout", "no time left");
      tried.add(server);
      const share = now + (deadline - now) / candidates.length;
      const reply = await this.#askServer(server, question, { ...limits, deadline: share });
      const judged = reply.kind === "failed" ? reply : await this.#judge(server, reply, limits);
      if (judged.kind !== "failed" || judged.reason === "bogus") return judged;
      failure = moreTelling(judged, failure);
    }
  }

  /** The DNS resolvers to ask next, in order. */
  #candidates(tried: ReadonlySet<Server>, validated: boolean): readonly Server[] {
    const candidates = this.#servers.candidates(tried);
    if (!validated || candidates.length < 2) return candidates;
    const rank = (server: Server) => this.#validation.stateOf(server) === true ? 0 : 1;
    return candidates.toSorted((one, other) => rank(one) - rank(other));
  }

  async #judge<T>(
    server: Server,
    reply: Exclude<Reply<T>, Failed>,
    limits: Limits,
  ): Promise<Judged<T>> {
    const validation = this.#validation;
    if (reply.secure || validation.isProven(server)) return { ...reply, validated: true };
    if (!limits.validated) return { ...reply, validated: false };
    const ms = limits.deadline - this.#clock.now();
    await withDeadline(validation.prove(server), { ms, clock: this.#clock, signal: limits.signal });
    if (validation.isProven(server)) return { ...reply, validated: true };
    const why = validation.stateOf(server) === false
      ? "the DNS resolver does not validate"
      : "it is not known whether the DNS resolver validates";
    return failed("unvalidated", `${server.label}: ${why}`);
  }

  /** Tells a domain that fails validation from one that does not resolve (RFC 4035, section 3.2.2). */
  async #askServer<T extends RecordType>(
    server: Server,
    question: Question<T>,
    limits: Limits,
  ): Promise<Reply<RecordData[T]>> {
    const reply = await this.#send(server, question, limits);
    if (reply.kind !== "failed" || reply.reason !== "servfail") return reply;
    const unchecked = await this.#send(server, question, { ...limits, checkingDisabled: true });
    if (unchecked.kind === "failed") return reply;
    return failed("bogus", `${reply.detail}, but not with checking disabled`);
  }

  async #send<T extends RecordType>(
    server: Server,
    question: Question<T>,
    limits: Limits & { checkingDisabled?: boolean },
  ): Promise<Reply<RecordData[T]>> {
    const { reply, isHeard } = await server.transport.ask(question, limits);
    if (isHeard) this.#servers.setUp(server);
    if (reply.kind !== "failed") return reply;
    return failed(reply.reason, `${server.label}: ${reply.detail}`);
  }
}

function hasAnswered({ reason }: Failed): boolean {
  return reason !== "unreachable" && reason !== "timeout" && reason !== "unvalidated";
}

function moreTelling(failure: Failed, other: Failed | undefined): Failed {
  if (other === undefined) return failure;
  return TELLING.indexOf(failure.reason) > TELLING.indexOf(other.reason) ? failure : other;
}
