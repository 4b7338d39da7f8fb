/**
 * What is held in memory of each domain: the live policy, what DNS and the policy host said when there
 * was none, and when to look again. The store stands behind it; entries dropped from memory come back
 * from there.
 *
 * A policy leaves only through {@link DomainMemory.adopt} (a newer valid policy), through its own
 * `max_age`, or through the operator's `purge` (RFC 8461 §3.3, §5.1).
 *
 * The memory never remembers that the store has no policy: before an answer without one the resolver looks
 * there again ({@link DomainMemory.recall}). Such an answer ends as soon as there is a policy after all: each
 * has a token that turns invalid with the news that a policy was stored, when the file comes back, and
 * when its state is dropped.
 *
 * @module
 */

import type { DomainStore, StoredPolicy, StoreNews } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";
import { policyOctets } from "../sts/policy.ts";
import { isLive } from "./decide.ts";
import type { Absence } from "./decide.ts";
import type { BoundedMap, HeldPolicy, ResolverEffects } from "./types.ts";

/**
 * The time of last use is written to the store when it is older than this, ms: a quarter of the shortest
 * `refresh.forget_after`, the one thing that needs it.
 */
const TOUCH_MS = 6 * 3600 * 1000;

/** What a domain takes in memory without its policy, octets. */
const STATE_OCTETS = 300;

/** A domain as held in memory. Times in ms. */
export interface DomainState {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** May have expired: read it through {@link DomainMemory.live}. */
  held: HeldPolicy | undefined;
  /** The TXT record is not checked again before. */
  nextCheckAt: number;
  /** What the last check found, if it ended without a policy. */
  absence: Absence | undefined;
  /** Shared by all answers given on this state; replaced when they are no longer true. */
  token: { valid: boolean };
  /** When Postfix last asked for the policy. */
  lastUsedAt: number;
}

/** What is known of a policy, after a look at the store if need be. */
export type Recall =
  | { readonly kind: "held"; readonly held: HeldPolicy }
  | { readonly kind: "none" }
  /** The store cannot be read: there may be one. */
  | { readonly kind: "unknown"; readonly reason: string };

/** The memory of all domains. */
export interface DomainMemory {
  /** About how many octets it takes. */
  octets(): number;
  /**
   * The state of a domain, an empty one when memory does not have it. Whoever waits looks it up again
   * afterwards: memory may have dropped it meanwhile, and what is dropped hears no more news.
   */
  stateOf(domain: string): DomainState;
  /** The policy to use now, as far as memory has it. */
  live(state: DomainState): HeldPolicy | undefined;
  /** The policy to use now; the store is asked when memory has none. */
  recall(state: DomainState): Recall;
  /** Puts a new policy in the place of what was held, in memory and store. */
  adopt(state: DomainState, held: HeldPolicy): void;
  /** Notes that the held policy was asked for. */
  noteUse(state: DomainState): void;
  /** Forgets a domain: the operator's decision, which nothing else may take. */
  purge(domain: string): void;
  /** Ends the wait for news. */
  close(): void;
}

/** The bounds of the memory. */
export interface MemoryBounds {
  /** Domains held at most. */
  readonly entries: number;
  /** The octets that they and their policies may take. */
  readonly policyOctets: number;
}

/** The effects that the memory works with. */
export type MemoryEffects = Pick<ResolverEffects, "createMap"> & {
  /** Stands behind the memory. */
  readonly store: DomainStore;
  /** The time. */
  readonly clock: ProvenClock;
};

const NONE: Recall = { kind: "none" };

/**
 * Creates the memory.
 *
 * @param bounds Domains and octets held at most.
 * @param effects Store, clock, and the map to keep states in.
 */
export function createDomainMemory(bounds: MemoryBounds, effects: MemoryEffects): DomainMemory {
  return new Memory(bounds, effects);
}

class Memory implements DomainMemory {
  readonly #store: DomainStore;
  readonly #clock: ProvenClock;
  readonly #states: BoundedMap<DomainState>;
  readonly #stopNews: () => void;

  constructor(bounds: MemoryBounds, { store, clock, createMap }: MemoryEffects) {
    this.#store = store;
    this.#clock = clock;
    // What is dropped hears no more news. A held policy can only be replaced by a newer one, whose check
    // comes within minutes.
    this.#states = createMap<DomainState>(bounds.entries, {
      octets: bounds.policyOctets,
      octetsOf: ({ held }) => STATE_OCTETS + (held === undefined ? 0 : policyOctets(held)),
      onDrop(state) {
        if (state.held === undefined) state.token.valid = false;
      },
    });
    this.#stopNews = store.onNews((news) => this.#hear(news));
  }

  octets(): number {
    return this.#states.octets;
  }

  stateOf(domain: string): DomainState {
    let state = this.#states.get(domain);
    if (state === undefined) {
      state = {
        domain,
        held: undefined,
        nextCheckAt: 0,
        absence: undefined,
        token: { valid: true },
        lastUsedAt: 0,
      };
      this.#states.set(domain, state);
    }
    return state;
  }

  live({ held }: DomainState): HeldPolicy | undefined {
    return held !== undefined && isLive(held, this.#clock.proven()) ? held : undefined;
  }

  recall(state: DomainState): Recall {
    const held = this.live(state);
    if (held !== undefined) return { kind: "held", held };
    const stored = this.#store.getPolicy(state.domain);
    if (stored.kind === "unavailable") return { kind: "unknown", reason: stored.reason };
    if (stored.kind === "absent" || !isLive(stored.policy, this.#clock.proven())) return NONE;
    this.#take(state, stored.policy);
    return { kind: "held", held: stored.policy };
  }

  adopt(state: DomainState, held: HeldPolicy): void {
    state.lastUsedAt ||= held.fetchedAt;
    // Before it is stored, so that the store's own news of it changes nothing here.
    this.#hold(state, held);
    this.#store.putPolicy({ ...held, lastUsedAt: state.lastUsedAt });
  }

  noteUse(state: DomainState): void {
    const now = this.#clock.now();
    if (state.held === undefined || now - state.lastUsedAt < TOUCH_MS) return;
    state.lastUsedAt = now;
    this.#store.touchPolicy(state.domain, now);
  }

  purge(domain: string): void {
    this.stateOf(domain).token.valid = false;
    this.#states.delete(domain);
    this.#store.remove(domain);
  }

  close(): void {
    this.#stopNews();
  }

  #hear(news: StoreNews): void {
    if (news.kind === "stored") {
      const state = this.#states.get(news.policy.domain);
      if (state !== undefined && isNewer(news.policy, state.held)) {
        this.#take(state, news.policy);
      }
      return;
    }
    for (const [domain, state] of this.#states.entries()) {
      if (this.live(state) !== undefined) continue;
      state.token.valid = false;
      this.#states.delete(domain);
    }
  }

  #take(state: DomainState, policy: StoredPolicy): void {
    this.#hold(state, policy);
    state.lastUsedAt = policy.lastUsedAt;
    // Its TXT record was checked before it was stored, but perhaps long ago.
    state.nextCheckAt = 0;
  }

  /** Answers that were given on the old state end here, in every zone. */
  #hold(state: DomainState, held: HeldPolicy): void {
    const states = this.#states;
    state.token.valid = false;
    state.token = { valid: true };
    // Taken out meanwhile, since the policy is most of what the map counts.
    const isInMemory = states.get(state.domain) === state;
    if (isInMemory) states.delete(state.domain);
    state.held = held;
    state.absence = undefined;
    if (isInMemory) states.set(state.domain, state);
  }
}

function isNewer(policy: HeldPolicy, held: HeldPolicy | undefined): boolean {
  // Of two fetched in the same millisecond the store keeps the last.
  return held === undefined || policy.fetchedAt > held.fetchedAt ||
    (policy.fetchedAt === held.fetchedAt && policy.id !== held.id);
}
