/**
 * Whether each DNS resolver validates DNSSEC. One that does not cannot say what is signed and what is not
 * (RFC 7672 §2.1.1).
 *
 * Each DNS resolver is probed by itself. Of two, the one that validates may fail, as it must for a forgery, while the
 * other one hands out that very forgery. The probe is a question whose answer is signed, even if it is
 * "no such record" (`dnssec_probe`).
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
  /** The DNS resolvers in use now, in order of preference. */
  readonly servers: () => readonly Server[];
  /** The probe: a question with a signed answer. */
  readonly question: Question;
  /** The question as the operator wrote it, for the log. */
  readonly text: string;
  /** Time limit of a probe, ms. */
  readonly timeout: number;
  /** Bounds a probe. */
  readonly clock: Clock;
  /** Where a result is logged when it changes. */
  readonly log: Log;
}

/** What is known of one DNS resolver. */
interface Known {
  /** As the last answer had it, even if the DNS resolver has been down since. */
  validates: boolean | undefined;
  /** It has not been down since, so it is still the same program. */
  isFresh: boolean;
  /** The probe under way. */
  probe: Promise<Failed | undefined> | undefined;
  /** The last result in the log. */
  logged: boolean | "unknown" | undefined;
}

/** The probes of all DNS resolvers. */
export class Validation {
  readonly #options: ValidationOptions;
  readonly #known = new WeakMap<Server, Known>();
  /** `probeAll()` was called: DNS resolvers are probed as they come up. */
  #isWatching = false;

  /** Asks nothing yet. */
  constructor(options: ValidationOptions) {
    this.#options = options;
  }

  /** Probes all DNS resolvers. Never rejects. */
  async probeAll(): Promise<DnssecProbe> {
    this.#isWatching = true;
    const servers = this.#options.servers();
    const failures = await Promise.all(servers.map((server) => this.#probe(server)));
    if (servers.some((server) => this.#of(server).validates)) return { kind: "validates" };
    const answered = servers.filter((_server, at) => failures[at] === undefined);
    if (answered.length === 0) {
      const failure = failures.find((each) => each !== undefined);
      const { reason, detail } = failure ?? failed("unreachable", "no DNS resolver");
      return { kind: "unknown", reason, detail };
    }
    const where = servers.length === 1
      ? ""
      : ` from ${answered.map(({ label }) => label).join(", ")}`;
    return { kind: "does-not-validate", detail: `no AD bit for ${this.#options.text}${where}` };
  }

  /** Whether a DNS resolver of the list is known to validate; false if all are known not to. */
  overall(): boolean | undefined {
    const states = this.#options.servers().map((server) => this.#of(server).validates);
    if (states.includes(true)) return true;
    return states.length > 0 && states.every((state) => state === false) ? false : undefined;
  }

  /** What the last probe of a DNS resolver showed, for display and for the order in which to ask. */
  stateOf(server: Server): boolean | undefined {
    return this.#of(server).validates;
  }

  /** Whether an answer without the AD bit counts as validated, as far as is known now. */
  isProven(server: Server): boolean {
    const { validates, isFresh } = this.#of(server);
    return validates === true && isFresh;
  }

  /** The same, after a probe if that is not known. Never rejects. */
  async prove(server: Server): Promise<boolean> {
    const known = this.#of(server);
    if (!known.isFresh) await this.#probe(server);
    return this.isProven(server);
  }

  /** Notes that a DNS resolver is new to the list, or up again and perhaps another program. */
  renew(server: Server): void {
    this.#of(server).isFresh = false;
    if (this.#isWatching) this.#probe(server);
  }

  #of(server: Server): Known {
    let known = this.#known.get(server);
    if (known === undefined) {
      known = { validates: undefined, isFresh: false, probe: undefined, logged: undefined };
      this.#known.set(server, known);
    }
    return known;
  }

  #probe(server: Server): Promise<Failed | undefined> {
    const known = this.#of(server);
    return known.probe ??= this.#ask(server, known).finally(() => known.probe = undefined);
  }

  async #ask(server: Server, known: Known): Promise<Failed | undefined> {
    const { question, timeout, clock, servers } = this.#options;
    const deadline = clock.now() + timeout;
    const { reply } = await server.transport.ask(question, { deadline, signal: undefined });
    const failure = reply.kind === "failed"
      ? failed(reply.reason, `${server.label}: ${reply.detail}`)
      : undefined;
    if (reply.kind !== "failed") {
      // A probe that fails says nothing new about the DNS resolver.
      known.isFresh = true;
      known.validates = reply.secure;
    }
    const result = reply.kind === "failed" ? "unknown" : reply.secure;
    // What has left the list, or was closed, is of no interest.
    if (known.logged !== result && servers().includes(server)) {
      this.#logResult(server, result, failure);
    }
    known.logged = result;
    return failure;
  }

  #logResult(server: Server, result: boolean | "unknown", failure: Failed | undefined): void {
    const { log, text } = this.#options;
    const resolver = server.label;
    if (result === true) log.info("dns resolver validates dnssec", { resolver });
    else if (result === false) {
      const detail = `no AD bit for ${text}`;
      log.warn("dns resolver does not validate dnssec: not trusted for dane", { resolver, detail });
    } else {
      const { reason, detail } = failure ?? failed("unreachable", "");
      log.warn("dnssec self-test failed", { resolver, reason, detail });
    }
  }
}
