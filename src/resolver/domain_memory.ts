/**
 * What is held in memory of each domain: the live policy, what DNS and the policy host said when there
 * was none, and when to look again. The store stands behind it; entries dropped from memory come back
 * from there.
 *
 * A policy leaves only through {@link DomainMemory.adopt} and {@link DomainMemory.adoptShared} (a newer valid
 * policy), through its own `max_age`, or through an operator's `purge` (RFC 8461 §3.3, §5.1).
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
import type {
  DomainMemory,
  DomainState,
  KnownDomain,
  MemoryBounds,
  MemoryEffects,
  Recall,
} from "./memory_types.ts";
import type { BoundedMap, HeldPolicy } from "./types.ts";

/**
 * The time of last use is written to the store when it is older than this, ms: a quarter of the shortest
 * `refresh.forget_after`, the one thing that needs it.
 */
const TOUCH_MS = 6 * 3600 * 1000;

/** What a domain takes in memory without its policy, octets. */
const STATE_OCTETS = 300;

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
        isUnstored: false,
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

  known(domain: string): KnownDomain | undefined {
    const state = this.#states.get(domain);
    const live = state && this.live(state);
    if (live !== undefined) return { held: live, lastFetchedAt: live.fetchedAt };
    const stored = this.#stored(domain);
    const isStoredLive = stored !== undefined && isLive(stored, this.#clock.proven());
    if (state === undefined && !isStoredLive) return undefined;
    if (state !== undefined && isStoredLive) this.#take(state, stored);
    const lastFetchedAt = stored?.fetchedAt ?? state?.held?.fetchedAt;
    return { held: isStoredLive ? stored : undefined, lastFetchedAt };
  }

  adoptShared(held: HeldPolicy, recheck: number): void {
    const { domain, fetchedAt } = held;
    const state = this.#states.get(domain);
    if (state === undefined) return this.#putUnseen(held);
    const isFirst = this.live(state) === undefined;
    if (isFirst && this.#store.getPolicy(domain).kind === "unavailable") {
      // Its place in the store is decided when that can be read.
      state.lastUsedAt ||= fetchedAt;
      this.#hold(state, held);
      state.isUnstored = true;
    } else this.adopt(state, held);
    state.nextCheckAt = Math.max(state.nextCheckAt, fetchedAt + recheck);
  }

  renew(held: HeldPolicy): void {
    const state = this.#states.get(held.domain);
    if (state === undefined) return this.#putUnseen(held);
    state.held = held;
    this.#store.putPolicy({ ...held, lastUsedAt: state.lastUsedAt });
  }

  endAbsence(domain: string): void {
    const state = this.#states.get(domain);
    if (state !== undefined && this.live(state) === undefined) this.#drop(state);
  }

  endAbsences(): void {
    for (const [, state] of this.#states.entries()) {
      if (this.live(state) === undefined) this.#drop(state);
    }
  }

  noteUse(state: DomainState): void {
    const now = this.#clock.now();
    if (state.held === undefined || now - state.lastUsedAt < TOUCH_MS) return;
    state.lastUsedAt = now;
    this.#store.touchPolicy(state.domain, now);
  }

  purge(domain: string): void {
    const state = this.#states.get(domain);
    if (state !== undefined) this.#drop(state);
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
    for (const [, state] of this.#states.entries()) {
      if (state.isUnstored) this.#settle(state);
    }
    this.endAbsences();
  }

  /** Stores what could not be stored, unless the store has a newer policy. */
  #settle(state: DomainState): void {
    const { held } = state;
    const stored = this.#store.getPolicy(state.domain);
    if (held === undefined || stored.kind === "unavailable") return;
    state.isUnstored = false;
    if (stored.kind === "found" && isNewer(stored.policy, held)) this.#take(state, stored.policy);
    else this.#store.putPolicy({ ...held, lastUsedAt: state.lastUsedAt });
  }

  #drop(state: DomainState): void {
    state.token.valid = false;
    this.#states.delete(state.domain);
  }

  #stored(domain: string): StoredPolicy | undefined {
    const stored = this.#store.getPolicy(domain);
    return stored.kind === "found" ? stored.policy : undefined;
  }

  /** Puts a policy into the store alone: a domain that nobody asks for takes no memory. */
  #putUnseen(held: HeldPolicy): void {
    const lastUsedAt = this.#stored(held.domain)?.lastUsedAt ?? held.fetchedAt;
    this.#store.putPolicy({ ...held, lastUsedAt });
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
    state.isUnstored = false;
    state.absence = undefined;
    if (isInMemory) states.set(state.domain, state);
  }
}

function isNewer(policy: HeldPolicy, held: HeldPolicy | undefined): boolean {
  // Of two fetched in the same millisecond the store keeps the last.
  return held === undefined || policy.fetchedAt > held.fetchedAt ||
    (policy.fetchedAt === held.fetchedAt && policy.id !== held.id);
}
