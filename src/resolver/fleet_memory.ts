/**
 * Takes over what other hosts of the fleet learned, where the rules of `decide.ts` say so.
 *
 * @module
 */

import type { FleetFailure, FleetPolicy } from "../fleet/types.ts";
import { countsFailure, decideShared } from "./decide.ts";
import type { DomainMemory } from "./memory_types.ts";
import { holdShared } from "./held_policy.ts";
import type { HeldPolicy, ResolverEffects, ResolverSettings } from "./types.ts";

/** What becomes of a policy of another host, and what is held after that. */
export interface Taken {
  /** The decision. */
  readonly step: ReturnType<typeof decideShared>;
  /** The live policy, if there is one now. */
  readonly held: HeldPolicy | undefined;
}

/** What this works on. */
export interface FleetMemoryParts {
  /** Where policies are put. */
  readonly memory: DomainMemory;
  /** How long they count. */
  readonly settings: ResolverSettings;
  /** Clock, store and observer. */
  readonly effects: ResolverEffects;
}

/**
 * Puts a policy of another host into memory and store if it is to take effect.
 *
 * @param shared The policy.
 * @param parts What to work on. `wantedId` is the id that a check wants to fetch; without a check it is absent.
 */
export function takePolicy(
  shared: FleetPolicy,
  { memory, settings, effects, wantedId }: FleetMemoryParts & { readonly wantedId?: string },
): Taken {
  const { clock, store, observe, random } = effects;
  const now = clock.now();
  const { host, isSigned, domain } = shared;
  const { held: previous, lastFetchedAt } = memory.known(domain) ?? {};
  const step = decideShared({ held: previous, lastFetchedAt, shared, wantedId, now });
  if (step === "ignore" || step === "check") return { step, held: previous };
  const taken = holdShared(shared, { now, interval: settings.refresh.interval, random: random() });
  let held = taken;
  if (step === "renew" && previous !== undefined) {
    const { fetchedAt, expiresAt, refreshAt } = taken.fetchedAt > previous.fetchedAt
      ? taken
      : previous;
    const id = shared.id === wantedId ? shared.id : previous.id;
    held = { ...previous, id, fetchedAt, expiresAt, refreshAt };
    memory.renew(held);
  } else memory.adoptShared(held, settings.recheck);
  const failure = store.getFailure(domain);
  if (failure !== undefined && failure.failedAt <= held.fetchedAt) store.clearFailure(domain);
  observe({ kind: "shared", held, previous, host, isSigned });
  return { step, held };
}

/** Notes a failed fetch of another host, if it counts here: the same id is then left alone here too. */
export function takeFailure(
  shared: FleetFailure,
  { memory, effects: { store } }: FleetMemoryParts,
): void {
  const held = memory.known(shared.domain)?.held;
  const failure = store.getFailure(shared.domain);
  if (countsFailure(shared, { held, failure })) store.putFailure(shared);
}
