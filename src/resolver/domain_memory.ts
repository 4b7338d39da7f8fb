/**
 * What is held in memory of each domain: the live policy, what DNS and the policy host said when there
 * was none, and when to look again. The store stands behind it; entries dropped from memory come back
 * from there.
 *
 * A policy leaves only through {@link DomainMemory.adopt} (a newer valid policy), through its own
 * `max_age`, or through the operator's `purge` (RFC 8461 §3.3, §5.1).
 *
 * That the store has none is never remembered: whoever is about to answer without a policy looks there
 * again ({@link DomainMemory.recall}). And an answer given so ends when there is one after all: each has a
 * token that turns invalid with the news that a policy was stored, with the file's coming back, and
 * when its state is dropped.
 *
 * @module
 */

import type { DomainStore, StoredPolicy, StoreNews } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";
import { policyOctets } from "../sts/policy.ts";
import type { Row } from "./decide.ts";
import type { BoundedMap, HeldPolicy, ResolverEffects } from "./types.ts";

/**
 * The time of last use is written to the store when it is older than this, ms: a quarter of the shortest
 * `refresh.forget_after`, the one thing that it is needed for.
 */
const TOUCH_MS = 6 * 3600 * 1000;

/** What a domain takes in memory without its policy, octets. */
const STATE_OCTETS = 300;

/** A domain as held in memory. Times in ms. */
export interface DomainState {
  readonly domain: string;
  /** May have expired: read it through {@link DomainMemory.live}. */
  held: HeldPolicy | undefined;
  /** The TXT record is not checked again before. */
  nextCheckAt: number;
  /** What DNS and the policy host said, as the row of the decision that follows without a policy held. */
  absence: { readonly row: Row; readonly until: number } | undefined;
  /** Shared by all answers given on this state; replaced when they end to be true. */
  token: { valid: boolean };
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
  /** The state of a domain, an empty one when memory does not have it. */
  stateOf(domain: string): DomainState;
  /** The policy to use now, as far as memory has it: an expired one counts as none (row 6 of the decision). */
  live(state: DomainState): HeldPolicy | undefined;
  /** The policy to use now; the store is asked when memory has none. */
  recall(state: DomainState): Recall;
  /** Puts a new policy in the place of what was held, in memory and store. */
  adopt(held: HeldPolicy): void;
  /** Notes that the held policy was asked for. */
  noteUse(state: DomainState): void;
  /** Forgets a domain: the operator's decision, which nothing else may take. */
  purge(domain: string): void;
  /** Ends the wait for news. */
  close(): void;
}

const NONE: Recall = { kind: "none" };

/**
 * Creates the memory.
 *
 * @param bounds Domains held at most, and the octets that they and their policies may take.
 * @param effects Store, clock, and the map to keep states in.
 */
export function createDomainMemory(
  bounds: { readonly entries: number; readonly policyOctets: number },
  { store, clock, createMap }: Pick<ResolverEffects, "createMap"> & {
    store: DomainStore;
    clock: ProvenClock;
  },
): DomainMemory {
  // What is dropped hears no more news. A held policy can only be replaced by a newer one, whose check
  // comes within minutes.
  const states: BoundedMap<DomainState> = createMap<DomainState>(bounds.entries, {
    octets: bounds.policyOctets,
    octetsOf: ({ held }) => STATE_OCTETS + (held === undefined ? 0 : policyOctets(held)),
    onDrop(state) {
      if (state.held === undefined) state.token.valid = false;
    },
  });

  function stateOf(domain: string): DomainState {
    let state = states.get(domain);
    if (state === undefined) {
      state = {
        domain,
        held: undefined,
        nextCheckAt: 0,
        absence: undefined,
        token: { valid: true },
        lastUsedAt: 0,
      };
      states.set(domain, state);
    }
    return state;
  }

  function live({ held }: DomainState): HeldPolicy | undefined {
    return held !== undefined && clock.proven() < held.expiresAt ? held : undefined;
  }

  /** Answers that were given on the old state end here, in every zone. */
  function hold(state: DomainState, held: HeldPolicy): void {
    state.token.valid = false;
    state.token = { valid: true };
    // Taken out meanwhile, since the policy is most of what the map counts.
    const isInMemory = states.get(state.domain) === state;
    if (isInMemory) states.delete(state.domain);
    state.held = held;
    state.absence = undefined;
    if (isInMemory) states.set(state.domain, state);
  }

  function take(state: DomainState, policy: StoredPolicy): void {
    hold(state, policy);
    state.lastUsedAt = policy.lastUsedAt;
    // Whoever stored it has looked, but perhaps long ago.
    state.nextCheckAt = 0;
  }

  function hear(news: StoreNews): void {
    if (news.kind === "stored") {
      const state = states.get(news.policy.domain);
      if (state !== undefined && isNewer(news.policy, state.held)) take(state, news.policy);
      return;
    }
    for (const [domain, state] of states.entries()) {
      if (live(state) !== undefined) continue;
      state.token.valid = false;
      states.delete(domain);
    }
  }

  const stopNews = store.onNews(hear);

  return {
    octets: () => states.octets,
    stateOf,
    live,
    recall(state: DomainState): Recall {
      const held = live(state);
      if (held !== undefined) return { kind: "held", held };
      const stored = store.getPolicy(state.domain);
      if (stored.kind === "unavailable") return { kind: "unknown", reason: stored.reason };
      if (stored.kind === "absent" || clock.proven() >= stored.policy.expiresAt) return NONE;
      take(state, stored.policy);
      return { kind: "held", held: stored.policy };
    },
    adopt(held: HeldPolicy): void {
      const state = stateOf(held.domain);
      state.lastUsedAt ||= held.fetchedAt;
      // Before it is stored, so that the news of it is none here.
      hold(state, held);
      store.putPolicy({ ...held, lastUsedAt: state.lastUsedAt });
    },
    noteUse(state: DomainState): void {
      const now = clock.now();
      if (state.held === undefined || now - state.lastUsedAt < TOUCH_MS) return;
      state.lastUsedAt = now;
      store.touchPolicy(state.domain, now);
    },
    purge(domain: string): void {
      stateOf(domain).token.valid = false;
      states.delete(domain);
      store.remove(domain);
    },
    close: stopNews,
  };
}

function isNewer(policy: HeldPolicy, held: HeldPolicy | undefined): boolean {
  // Of two fetched in the same millisecond the store keeps the last.
  return held === undefined || policy.fetchedAt > held.fetchedAt ||
    (policy.fetchedAt === held.fetchedAt && policy.id !== held.id);
}
