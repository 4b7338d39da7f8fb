/**
 * Asks the DNS questions of one assessment: each one once, early if the answer will be needed, and with an end
 * to the wait for hosts that do not answer.
 *
 * @module
 */

import type { DnsAnswer, DnsClient, RecordData, RecordType } from "../dns/types.ts";
import type { Clock } from "../base/clock.ts";
import type { MxView } from "./types.ts";

/** MX hosts asked about before DNS has confirmed that they still are MX hosts. Few domains have more. */
const HOSTS_AHEAD = 10;

/** What {@link createAsker} needs. */
export interface AskerOptions {
  /** Asks DNS one question. */
  readonly lookup: DnsClient["lookup"];
  /** Accept answers from validating servers only. */
  readonly validated: boolean;
  /** Times the patience with hosts. */
  readonly clock: Clock;
  /** How long to wait for hosts without an answer once one has an address, ms. */
  readonly patience: number;
}

/** Asks the questions of one assessment. */
export interface Asker {
  /** Asks a question, or joins the same question asked before. Never rejects. */
  ask<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<RecordData[T]>>;
  /** Asks for A and AAAA. A failure of one family does not matter if the other has an address. Never rejects. */
  askAddress(host: string): Promise<DnsAnswer<string>>;
  /** Asks about the hosts of the previous view if they may have DANE, so that one round trip is enough. */
  askAhead(port: number | null, previous: MxView | undefined): void;
  /** Starts the time of patience with the hosts. */
  startPatience(): void;
  /** Ends it: all hosts have answered. */
  endPatience(): void;
  /** Whether all answers so far were validated. */
  isValidated(): boolean;
}

/** Creates the asker of one assessment. */
export function createAsker(options: AskerOptions): Asker {
  return new QuestionMemory(options);
}

class QuestionMemory implements Asker {
  readonly #options: AskerOptions;
  readonly #asked = new Map<string, Promise<DnsAnswer<RecordData[RecordType]>>>();
  /** Ends the questions about hosts. */
  readonly #impatience = new AbortController();
  #isPatient = true;
  #hasAddress = false;
  #allValidated = true;
  #cancelTimer = () => {};

  constructor(options: AskerOptions) {
    this.#options = options;
  }

  ask<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<RecordData[T]>> {
    return this.#ask(name, type);
  }

  async askAddress(host: string): Promise<DnsAnswer<string>> {
    const { signal } = this.#impatience;
    const [v4, v6] = await Promise.all([
      this.#ask(host, "A", signal),
      this.#ask(host, "AAAA", signal),
    ]);
    const found = [v4, v6].filter((answer) => answer.kind === "found");
    if (found.length > 0) {
      this.#hasAddress = true;
      if (!this.#isPatient) this.#impatience.abort();
    }
    return found.find((answer) => answer.secure) ?? found[0] ??
      [v4, v6].find((answer) => answer.kind === "failed") ?? v4;
  }

  askAhead(port: number | null, previous: MxView | undefined): void {
    if (previous?.dane !== "usable" && previous?.dane !== "absent") return;
    for (const host of previous.hosts?.slice(0, HOSTS_AHEAD) ?? []) {
      this.#ask(host, "A", this.#impatience.signal);
      this.#ask(host, "AAAA", this.#impatience.signal);
      if (port !== null) this.#ask(`_${port}._tcp.${host}`, "TLSA");
    }
  }

  startPatience(): void {
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      this.#isPatient = false;
      if (this.#hasAddress) this.#impatience.abort();
    }, this.#options.patience);
  }

  endPatience(): void {
    this.#cancelTimer();
  }

  isValidated(): boolean {
    return this.#allValidated;
  }

  #ask<T extends RecordType>(
    name: string,
    type: T,
    signal?: AbortSignal,
  ): Promise<DnsAnswer<RecordData[T]>> {
    const { lookup, validated } = this.#options;
    const question = `${type} ${name}`;
    const before = this.#asked.get(question);
    if (before !== undefined) return before as Promise<DnsAnswer<RecordData[T]>>;
    const answer = this.#note(lookup(name, type, { validated, ...(signal && { signal }) }));
    this.#asked.set(question, answer);
    return answer;
  }

  async #note<T>(lookup: Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> {
    const answer = await lookup;
    // If only validated answers are accepted, every answer is one.
    const isProven = answer.kind === "failed" || this.#options.validated ||
      answer.validated === true || answer.secure;
    this.#allValidated &&= isProven;
    return answer;
  }
}
