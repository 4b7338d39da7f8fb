/**
 * What the memory of domains holds of each, and what may be done with it; `domain_memory.ts` does it.
 *
 * @module
 */

import type { DomainStore } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";
import type { Absence } from "./decide.ts";
import type { HeldPolicy, ResolverEffects } from "./types.ts";

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
  /** The held policy is another host's, and the store, which could not be read, may have a newer one. */
  isUnstored: boolean;
}

/** What is known of a policy, after a look at the store if need be. */
export type Recall =
  | { readonly kind: "held"; readonly held: HeldPolicy }
  | { readonly kind: "none" }
  /** The store cannot be read: there may be one. */
  | { readonly kind: "unknown"; readonly reason: string };

/** A domain of which memory or store know something. */
export interface KnownDomain {
  /** Its live policy, if they have one. */
  readonly held: HeldPolicy | undefined;
  /** When the policy was fetched that they have, live or expired, ms; `undefined` if there is none. */
  readonly lastFetchedAt: number | undefined;
}

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
  /** What memory or store know of a domain, without a new state; `undefined` if that is nothing. */
  known(domain: string): KnownDomain | undefined;
  /**
   * Puts a policy that another host fetched in the place of what was held. Its TXT record counts as checked when the
   * policy was fetched; `recheck` is the time between two checks, ms.
   */
  adoptShared(held: HeldPolicy, recheck: number): void;
  /** Moves the times of the held policy: `held` has the same text, so answers that rest on it stay. */
  renew(held: HeldPolicy): void;
  /** Has the next query for a domain without a policy check again. */
  endAbsence(domain: string): void;
  /** The same for all domains. */
  endAbsences(): void;
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
