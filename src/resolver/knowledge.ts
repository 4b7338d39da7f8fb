/**
 * What is held in memory of each domain: the live policy, or that there is none, and when
 * to look again. The store stands behind it; entries dropped from memory come back from there.
 *
 * A policy leaves only through {@link Knowledge.adopt} (a newer valid policy), through its own
 * `max_age`, or through the operator's `purge` (RFC 8461 §3.3, §5.1).
 *
 * @module
 */

import type { PolicyStore } from "../cache/types.ts";
import { PolicySyntaxError } from "../sts/policy.ts";
import type { Clock } from "./clock.ts";
import type { Row } from "./decide.ts";
import { holdPolicy } from "./held_policy.ts";
import type { BoundedMap, HeldPolicy } from "./types.ts";

/**
 * The time of last use is written to the store when it is older than this, ms: a quarter of the shortest
 * `refresh.forget_after`, the one thing that it is needed for.
 */
const TOUCH_MS = 6 * 3600 * 1000;

/** A domain as held in memory. Times in ms. */
export interface DomainState {
  /** May have expired: read it through {@link Knowledge.live}. */
  held: HeldPolicy | undefined;
  /** The TXT record is not checked again before. */
  nextCheckAt: number;
  /** "No policy", remembered, with the row of the decision it came from. */
  absence: { readonly row: Row; readonly until: number } | undefined;
  /** Shared by all answers given on this state; replaced when they end to be true. */
  token: { valid: boolean };
  lastUsedAt: number;
}

/** The memory of all domains. */
export interface Knowledge {
  /** The state of a domain, from the store when memory does not have it. */
  stateOf(domain: string): DomainState;
  /** The policy to use now: an expired one counts as none (row 6 of the decision). */
  live(state: DomainState): HeldPolicy | undefined;
  /** Puts a new policy in the place of what was held, in memory and store. */
  adopt(held: HeldPolicy): void;
  /** Notes that the held policy was asked for. */
  noteUse(state: DomainState): void;
  /** Forgets a domain: the operator's decision, which nothing else may take. */
  purge(domain: string): void;
}

/**
 * Creates the memory.
 *
 * @param states The bounded map to keep states in.
 * @param effects Store and clock.
 */
export function createKnowledge(
  states: BoundedMap<DomainState>,
  { store, clock }: { store: PolicyStore; clock: Clock },
): Knowledge {
  function stateOf(domain: string): DomainState {
    let state = states.get(domain);
    if (state === undefined) {
      const stored = store.getPolicy(domain);
      const held = stored && holdPolicy(stored);
      state = {
        held: held instanceof PolicySyntaxError ? undefined : held,
        nextCheckAt: 0,
        absence: undefined,
        token: { valid: true },
        lastUsedAt: stored?.lastUsedAt ?? 0,
      };
      states.set(domain, state);
    }
    return state;
  }

  return {
    stateOf,
    live({ held }: DomainState): HeldPolicy | undefined {
      return held !== undefined && clock.now() < held.expiresAt ? held : undefined;
    },
    adopt(held: HeldPolicy): void {
      const { domain, id, text, fetchedAt, refreshAt } = held;
      const state = stateOf(domain);
      state.lastUsedAt ||= fetchedAt;
      store.putPolicy({ domain, id, text, fetchedAt, refreshAt, lastUsedAt: state.lastUsedAt });
      // Answers that were given on the old state end here, in every zone.
      state.token.valid = false;
      state.token = { valid: true };
      state.held = held;
      state.absence = undefined;
    },
    noteUse(state: DomainState): void {
      const now = clock.now();
      if (state.held === undefined || now - state.lastUsedAt < TOUCH_MS) return;
      state.lastUsedAt = now;
      store.touchPolicy(state.held.domain, now);
    },
    purge(domain: string): void {
      stateOf(domain).token.valid = false;
      states.delete(domain);
      store.remove(domain);
    },
  };
}
