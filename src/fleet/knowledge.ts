/**
 * Combines the entries of a domain, and remembers purges: an entry that is not newer than the last purge does not
 * count.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import type { EngineClock } from "./engine_clock.ts";
import { openEntry, type SealOptions } from "./entry.ts";
import { TOMBSTONE_LIFE_MS } from "./read_entry.ts";
import type { Refusals } from "./refusals.ts";
import type { EntryKey, FleetKnowledge, FleetPolicy, FleetView } from "./types.ts";

/** Purges remembered. An operator purges a few; a loop over a list of domains is within the bound. */
const PURGES_MAX = 20_000;

/** The texts of a domain's entries, as the engine has them. */
export interface EntryTexts {
  /** The policy. */
  readonly policy: string | undefined;
  /** The failure. */
  readonly failure: string | undefined;
  /** The tombstone. */
  readonly tombstone: string | undefined;
}

/** What the reader needs. */
export interface KnowledgeOptions {
  /** The engine's time. */
  readonly engineClock: EngineClock;
  /** How entries are opened. */
  readonly seal: SealOptions;
  /** Counts what does not open. */
  readonly refusals: Refusals;
  /** Called for a purge that a lookup found before its message arrived: the message will then be ignored. */
  readonly onPurge: (domain: string, at: number) => void;
}

/** Reads what the fleet knows. */
export class KnowledgeReader {
  readonly #options: KnowledgeOptions;
  /** When a domain was purged last, ms. */
  readonly #purges = new GenerationalMap<number>(PURGES_MAX);

  /** Creates it; no purge is known. */
  constructor(options: KnowledgeOptions) {
    this.#options = options;
  }

  /** The keys of what {@link KnowledgeReader.read} takes: policy, failure, tombstone. The last two need a secret. */
  keysOf(name: string): readonly EntryKey[] {
    const kinds = this.#options.seal.mac === undefined ? ["p"] as const : ["p", "f", "t"] as const;
    return kinds.map((kind) => ({ kind, name }));
  }

  /** Reads the entries of a domain. What does not open counts as absent. */
  read(domain: string, texts: EntryTexts): FleetKnowledge {
    const tombstone = this.#open({ kind: "t", name: domain }, texts.tombstone);
    if (tombstone?.kind === "t" && this.notePurge(domain, tombstone.at)) {
      this.#options.onPurge(domain, tombstone.at);
    }
    const policy = this.#open({ kind: "p", name: domain }, texts.policy);
    const failure = this.#open({ kind: "f", name: domain }, texts.failure);
    const known = policy?.kind === "p" ? this.unpurged(policy.policy) : undefined;
    if (failure?.kind !== "f") return { policy: known, failure: undefined };
    const { failedAt, id } = failure.failure;
    const isOver = failedAt <= this.purgedAt(domain) ||
      (known?.id === id && known.fetchedAt > failedAt);
    return { policy: known, failure: isOver ? undefined : failure.failure };
  }

  /** Reads a view. */
  readView(nextHop: string, text: string | undefined): FleetView | undefined {
    const view = this.#open({ kind: "x", name: nextHop }, text);
    return view?.kind === "x" ? view.view : undefined;
  }

  /** The policy, unless its domain was purged since; that is counted. */
  unpurged(policy: FleetPolicy): FleetPolicy | undefined {
    if (policy.fetchedAt > this.purgedAt(policy.domain)) return policy;
    this.#options.refusals.count("purged", policy.domain);
    return undefined;
  }

  /** When a domain was purged, ms; `-Infinity` if not within the hour. */
  purgedAt(domain: string): number {
    const at = this.#purges.get(domain) ?? -Infinity;
    if (at + TOMBSTONE_LIFE_MS > this.#options.engineClock.times().now) return at;
    this.#purges.delete(domain);
    return -Infinity;
  }

  /** Remembers a purge, ms. @returns Whether it is news. */
  notePurge(domain: string, at: number): boolean {
    if (at <= this.purgedAt(domain)) return false;
    this.#purges.set(domain, at);
    return true;
  }

  #open(key: EntryKey, text: string | undefined) {
    if (text === undefined) return undefined;
    const { engineClock, seal, refusals } = this.#options;
    return refusals.sift(openEntry(text, engineClock.times(), { ...seal, key }), key.name);
  }
}
