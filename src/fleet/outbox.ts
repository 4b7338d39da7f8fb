/**
 * What the engine has not taken yet: the newest fact of each kind and name, bounded in number and octets. It is sent
 * when the engine is back.
 *
 * Facts are kept as they are, not sealed: the engine's time may not be known, and a fact may be replaced many times.
 *
 * @module
 */

import { type Fact, nameOf, timeOf } from "./entry.ts";

/** Facts held: what a large host learns in a day without an engine. */
const ENTRIES_MAX = 10_000;

/** Octets held. */
const OCTETS_MAX = 4 * 1024 * 1024;

/** What a fact takes beside its text, octets. */
const OVERHEAD_OCTETS = 300;

/** The facts that wait. */
export class Outbox {
  /** By kind and name, the one that came first in front. */
  readonly #facts = new Map<string, Fact>();
  #octets = 0;
  #dropped = 0;

  /** What it holds, and what had no room since the start. */
  get status(): { entries: number; octets: number; dropped: number } {
    return { entries: this.#facts.size, octets: this.#octets, dropped: this.#dropped };
  }

  /** Keeps a fact, unless a newer one of its kind and name is here. The oldest make room. */
  add(fact: Fact): void {
    const key = keyOf(fact);
    const known = this.#facts.get(key);
    if (known !== undefined && timeOf(known) > timeOf(fact)) return;
    this.#remove(key);
    this.#facts.set(key, fact);
    this.#octets += octetsOf(fact);
    while (this.#facts.size > ENTRIES_MAX || this.#octets > OCTETS_MAX) {
      this.#remove(this.#facts.keys().next().value!);
      this.#dropped++;
    }
  }

  /**
   * Takes out the first `limit` facts, or fewer, so that they have about `octets` in all; what is not sent in the end is
   * to be added again.
   */
  take(limit: number, octets: number): Fact[] {
    let left = octets;
    const taken: Fact[] = [];
    for (const fact of this.#facts.values().take(limit)) {
      left -= octetsOf(fact);
      if (left < 0 && taken.length > 0) break;
      taken.push(fact);
    }
    for (const fact of taken) this.#remove(keyOf(fact));
    return taken;
  }

  /** Forgets the facts of a domain that are not younger than its purge, ms. */
  purge(domain: string, at: number): void {
    for (const kind of ["p", "f"] as const) {
      const fact = this.#facts.get(`${kind}:${domain}`);
      if (fact !== undefined && timeOf(fact) <= at) this.#remove(keyOf(fact));
    }
  }

  #remove(key: string): void {
    const fact = this.#facts.get(key);
    if (fact === undefined) return;
    this.#facts.delete(key);
    this.#octets -= octetsOf(fact);
  }
}

function keyOf(fact: Fact): string {
  return `${fact.kind}:${nameOf(fact)}`;
}

/** About what a fact takes, octets; text beyond Latin-1 takes two for each character. */
function octetsOf(fact: Fact): number {
  const text = fact.kind === "p" ? fact.policy.text : fact.kind === "x" ? fact.view.json : "";
  return OVERHEAD_OCTETS + text.length * (/[\u0100-\uffff]/.test(text) ? 2 : 1);
}
