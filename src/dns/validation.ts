/**
 * Whether each resolver validates DNSSEC, without which its word is worth nothing on what is signed and what
 * is not (RFC 7672 §2.1.1).
 *
 * That is a property of each one: of two resolvers the one that validates may fail, as it must for a
 * forgery, and the other hand that very forgery out. So each is asked by itself, a question whose
 * answer is signed, absence included (`dnssec_probe`).
 *
 * @module
 */

import type { Log } from "../base/log.ts";
import type { Clock } from "../base/clock.ts";
import { failed } from "./message.ts";
import type { Failed, Question } from "./message.ts";
import type { Server } from "./servers.ts";
import type { DnssecProbe } from "./types.ts";

/** What {@link Validation} works with. */
export interface ValidationOptions {
  readonly servers: () => readonly Server[];
  readonly question: Question;
  /** The question as the operator wrote it, for people. */
  readonly text: string;
  /** What a probe may take, ms. */
  readonly timeout: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of one resolver. */
interface DomainMemory {
  /** As the last answer had it; it outlives the resolver's being down. */
  validates: boolean | undefined;
  /** Nothing has happened since that could have made another resolver of it. */
  isFresh: boolean;
  /** The probe under way. */
  probe: Promise<Failed | undefined> | undefined;
  /** What the log said last. */
  said: boolean | "unknown" | undefined;
}

/** The probes of all resolvers. */
export class Validation {
  readonly #options: ValidationOptions;
  readonly #known = new WeakMap<Server, DomainMemory>();
  /** Somebody wants to know: resolvers are probed as they come. */
  #isWatching = false;

  /** Asks nothing yet. */
  constructor(options: ValidationOptions) {
    this.#options = options;
  }

  /** Asks all resolvers. Never rejects. */
  async probeAll(): Promise<DnssecProbe> {
    this.#isWatching = true;
    const servers = this.#options.servers();
    const failures = await Promise.all(servers.map((server) => this.#probe(server)));
    if (servers.some((server) => this.#of(server).validates)) return { kind: "validates" };
    const answered = servers.filter((_server, at) => failures[at] === undefined);
    if (answered.length === 0) {
      const failure = failures.find((each) => each !== undefined);
      const { reason, detail } = failure ?? failed("unreachable", "no resolver");
      return { kind: "unknown", reason, detail };
    }
    const where = servers.length === 1
      ? ""
      : ` from ${answered.map(({ label }) => label).join(", ")}`;
    return { kind: "does-not-validate", detail: `no AD bit for ${this.#options.text}${where}` };
  }

  /** Whether a resolver of the list is known to validate; false if all are known not to. */
  overall(): boolean | undefined {
    const states = this.#options.servers().map((server) => this.#of(server).validates);
    if (states.includes(true)) return true;
    return states.length > 0 && states.every((state) => state === false) ? false : undefined;
  }

  /** What the last answer of a resolver's probe was, for display and for the order in which to ask. */
  stateOf(server: Server): boolean | undefined {
    return this.#of(server).validates;
  }

  /** Whether an answer without the AD bit can be relied on, as far as is known at this moment. */
  isProven(server: Server): boolean {
    const { validates, isFresh } = this.#of(server);
    return validates === true && isFresh;
  }

  /** The same, after the probe where that is not known. Never rejects. */
  async prove(server: Server): Promise<boolean> {
    const known = this.#of(server);
    if (!known.isFresh) await this.#probe(server);
    return this.isProven(server);
  }

  /** Notes that a resolver is new to the list, or up again: it may be another program now. */
  renew(server: Server): void {
    this.#of(server).isFresh = false;
    if (this.#isWatching) this.#probe(server);
  }

  #of(server: Server): DomainMemory {
    let known = this.#known.get(server);
    if (known === undefined) {
      known = { validates: undefined, isFresh: false, probe: undefined, said: undefined };
      this.#known.set(server, known);
    }
    return known;
  }

  #probe(server: Server): Promise<Failed | undefined> {
    const known = this.#of(server);
    return known.probe ??= this.#ask(server, known).finally(() => known.probe = undefined);
  }

  async #ask(server: Server, known: DomainMemory): Promise<Failed | undefined> {
    const { question, timeout, clock, servers } = this.#options;
    const deadline = clock.now() + timeout;
    const { reply } = await server.transport.ask(question, { deadline, signal: undefined });
    const failure = reply.kind === "failed"
      ? failed(reply.reason, `${server.label}: ${reply.detail}`)
      : undefined;
    if (reply.kind !== "failed") {
      // A probe that fails says nothing new about the resolver.
      known.isFresh = true;
      known.validates = reply.secure;
    }
    const result = reply.kind === "failed" ? "unknown" : reply.secure;
    // Whoever was taken from the list, or closed, need not be heard of.
    if (known.said !== result && servers().includes(server)) this.#say(server, result, failure);
    known.said = result;
    return failure;
  }

  #say(server: Server, result: boolean | "unknown", failure: Failed | undefined): void {
    const { log, text } = this.#options;
    const resolver = server.label;
    if (result === true) log.info("resolver validates dnssec", { resolver });
    else if (result === false) {
      const detail = `no AD bit for ${text}`;
      log.warn("resolver does not validate dnssec: its word on dane is not taken", {
        resolver,
        detail,
      });
    } else {
      const { reason, detail } = failure ?? failed("unreachable", "");
      log.warn("dnssec self-test failed", { resolver, reason, detail });
    }
  }
}
