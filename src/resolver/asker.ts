/**
 * The DNS questions of one assessment: each asked once, early where the answer will be needed, and
 * with an end to the wait for hosts that do not answer.
 *
 * @module
 */

import type { DnsAnswer, DnsClient, RecordData, RecordType } from "../dns/types.ts";
import type { Clock } from "../base/clock.ts";
import type { MxView } from "./types.ts";

/** MX hosts asked about before it is known that they still are; few domains have more. */
const HOSTS_AHEAD = 10;

/** What {@link createAsker} needs. */
export interface AskerOptions {
  readonly lookup: DnsClient["lookup"];
  /** Takes answers from validating servers only. */
  readonly validated: boolean;
  readonly clock: Clock;
  /** How long hosts without an answer are waited for once one has an address, ms. */
  readonly patience: number;
}

/** Asks the questions of one assessment. */
export interface Asker {
  /** Asks, or joins the question asked before. Never rejects. */
  ask<T extends RecordType>(name: string, type: T): Promise<DnsAnswer<RecordData[T]>>;
  /** A or AAAA, whichever answers; the fault of one family is harmless when the other has an address. */
  askAddress(host: string): Promise<DnsAnswer<string>>;
  /** Asks about the hosts of the view before, if DANE could be theirs, so that all takes one round trip. */
  askAhead(port: number | null, previous: MxView | undefined): void;
  /** From here on the patience with hosts runs. */
  startPatience(): void;
  endPatience(): void;
  /** Whether all answers so far were validated. */
  isValidated(): boolean;
}

/** Creates the asker of one assessment. */
export function createAsker({ lookup, validated, clock, patience }: AskerOptions): Asker {
  const asked = new Map<string, Promise<DnsAnswer<RecordData[RecordType]>>>();
  const impatience = new AbortController();
  let isPatient = true;
  let hasAddress = false;
  let allValidated = true;
  let cancel = () => {};

  function ask<T extends RecordType>(
    name: string,
    type: T,
    signal?: AbortSignal,
  ): Promise<DnsAnswer<RecordData[T]>> {
    const question = `${type} ${name}`;
    const before = asked.get(question);
    if (before !== undefined) return before as Promise<DnsAnswer<RecordData[T]>>;
    const answer = note(lookup(name, type, { validated, ...(signal && { signal }) }));
    asked.set(question, answer);
    return answer;
  }

  async function note<T>(lookup: Promise<DnsAnswer<T>>): Promise<DnsAnswer<T>> {
    const answer = await lookup;
    // Where only validated answers are taken, an answer is one.
    const isProven = answer.kind === "failed" || validated || answer.validated === true ||
      answer.secure;
    allValidated &&= isProven;
    return answer;
  }

  async function askAddress(host: string): Promise<DnsAnswer<string>> {
    const { signal } = impatience;
    const [v4, v6] = await Promise.all([ask(host, "A", signal), ask(host, "AAAA", signal)]);
    const found = [v4, v6].filter((answer) => answer.kind === "found");
    if (found.length > 0) {
      hasAddress = true;
      if (!isPatient) impatience.abort();
    }
    return found.find((answer) => answer.secure) ?? found[0] ??
      [v4, v6].find((answer) => answer.kind === "failed") ?? v4;
  }

  return {
    ask: (name, type) => ask(name, type),
    askAddress,
    askAhead(port, previous): void {
      if (previous?.dane !== "usable" && previous?.dane !== "absent") return;
      for (const host of previous.hosts?.slice(0, HOSTS_AHEAD) ?? []) {
        ask(host, "A", impatience.signal);
        ask(host, "AAAA", impatience.signal);
        if (port !== null) ask(`_${port}._tcp.${host}`, "TLSA");
      }
    },
    startPatience(): void {
      cancel = clock.setTimer(() => {
        isPatient = false;
        if (hasAddress) impatience.abort();
      }, patience);
    },
    endPatience: () => cancel(),
    isValidated: () => allValidated,
  };
}
