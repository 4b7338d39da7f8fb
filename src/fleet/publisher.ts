/**
 * Publishes what this host learned: at once if the engine accepts it, else through the outbox.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import type { Cell } from "../base/metrics.ts";
import type { Circuit } from "./circuit.ts";
import type { EngineClock } from "./engine_clock.ts";
import { endOf, type Fact, nameOf, sealFact, type SealOptions, timeOf } from "./entry.ts";
import { type EndedLease, releaseLease } from "./lease.ts";
import type { Outbox } from "./outbox.ts";
import type { Entry } from "./types.ts";

/** Facts of the outbox in one call. */
const FLUSH_MAX = 100;

/** About the octets of a call: over 10 Mbit/s they are sent within its deadline, or they would never be. */
export const CALL_OCTETS: number = 128 * 1024;

/** Own entries that are known again when the channel brings them back: more than are on their way at one time. */
const OWN_MAX = 2000;

/** Octets of them. */
const OWN_OCTETS_MAX = 2 * 1024 * 1024;

/** What became of a publication. */
export interface Taken {
  /** The engine has it. */
  readonly isTaken: boolean;
  /** How many others heard of it, where the engine knows. */
  readonly heard: number | undefined;
}

const NOT_TAKEN: Taken = { isTaken: false, heard: undefined };

/** What the publisher needs. */
export interface PublisherOptions {
  /** The way to the engine. */
  readonly circuit: Circuit;
  /** The engine's time. */
  readonly engineClock: EngineClock;
  /** Keeps what is not taken. */
  readonly outbox: Outbox;
  /** How entries are sealed. */
  readonly seal: SealOptions;
  /** Counts what the engine took. */
  readonly published: Cell;
}

/** The publisher. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** Sealed texts sent lately. */
  readonly #own = new GenerationalMap<number>(OWN_MAX, {
    octets: OWN_OCTETS_MAX,
    octetsOf: (octets) => octets,
  });

  /** Creates it. */
  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Whether this host sent the text itself. */
  isOwn(sealed: string): boolean {
    return this.#own.get(sealed) !== undefined;
  }

  /**
   * Publishes a fact, and ends a lease with it. What the engine does not take is kept; what is too large to be shared
   * is not. The lease ends in any case: nobody is to wait for what is not told. Never rejects.
   */
  async publish(fact: Fact, lease?: EndedLease): Promise<Taken> {
    const taken = await this.#send(fact, lease);
    if (!taken.isTaken && lease !== undefined) await releaseLease(lease, this.#options);
    return taken;
  }

  async #send(fact: Fact, lease: EndedLease | undefined): Promise<Taken> {
    const { circuit, outbox, published } = this.#options;
    if (!circuit.isReachable) {
      outbox.add(fact);
      return NOT_TAKEN;
    }
    const entry = this.seal(fact);
    if (entry === undefined) return NOT_TAKEN;
    const released = lease === undefined ? [] : [lease];
    const outcome = await circuit.call(
      "publish",
      (engine) => engine.publish([entry], { released }),
      { isWrite: true },
    );
    if (outcome.kind !== "ok") {
      // What the engine cannot store, it cannot store later.
      if (outcome.kind !== "wrong") outbox.add(fact);
      return NOT_TAKEN;
    }
    published.value++;
    return { isTaken: true, heard: outcome.value };
  }

  /** Sends what the outbox holds until the engine does not take it. Never rejects. */
  async flush(): Promise<void> {
    const { circuit, outbox, engineClock, published } = this.#options;
    while (circuit.isReachable && outbox.status.entries > 0) {
      const { now } = engineClock.times();
      const facts = outbox.take(FLUSH_MAX, CALL_OCTETS).filter((fact) => endOf(fact) > now);
      const entries = facts.flatMap((fact) => this.seal(fact) ?? []);
      if (entries.length === 0) continue;
      const outcome = await circuit.call("publish", (engine) => engine.publish(entries), {
        isWrite: true,
      });
      if (outcome.kind === "ok") published.value += entries.length;
      else if (outcome.kind !== "wrong") {
        for (const fact of facts) outbox.add(fact);
        break;
      }
    }
  }

  /** Seals a fact for the engine; `undefined` if it is too long to be shared. */
  seal(fact: Fact): Entry | undefined {
    const { engineClock, seal } = this.#options;
    const { offset } = engineClock.times();
    const sealed = sealFact(fact, offset, seal);
    if (sealed === undefined) return undefined;
    this.#own.set(sealed, sealed.length);
    const [at, expiresAt] = [timeOf(fact) + offset, endOf(fact) + offset];
    return { kind: fact.kind, name: nameOf(fact), sealed, at, expiresAt };
  }
}
