/**
 * One fetch for the whole fleet: a host that wants a policy claims the right to fetch it, and the others take what it
 * publishes. Without an engine the right is given at once, and the fetch is made as if this host were alone.
 *
 * @module
 */

import { withDeadline } from "../base/wait.ts";
import type { StoredFailure } from "../cache/types.ts";
import type { Exchange, FleetClaim, FleetPolicy } from "../fleet/types.ts";
import type { HeldOffFetch } from "./decide.ts";
import { takePolicy } from "./fleet_memory.ts";
import type { FleetMemoryParts } from "./fleet_memory.ts";
import type { WorkPlace } from "./limiter.ts";
import { retrieve } from "./retrieve.ts";
import type { FetchTask, Retrieved } from "./retrieve.ts";
import type { HeldPolicy, PolicyFetch } from "./types.ts";

/**
 * Claims of one check. If what the first one ends with does not do, the second asks for a fetch of this host's own;
 * if that is not to be had either, the fetch is made without a claim.
 */
const CLAIMS = 2;

/**
 * A policy with the text that is held was taken under the id held. A host that then sees the new id takes the entry
 * which has both, though it is as old as what is held; times of entries differ by less than this, ms.
 */
const SAME_TEXT_MS = 120_000;

/**
 * A host that is overloaded gives its lease back if the fetch has not begun after this, ms: the others would wait for
 * a host that does nothing.
 */
const PLACE_WAIT_MS = 1000;

/** What a wanted policy came to. */
export type Obtained =
  /** The fetch of this host. */
  | PolicyFetch
  /** A policy of another host, which is in memory now. */
  | { readonly kind: "shared"; readonly held: HeldPolicy }
  /** Another host's fetch of the same id has failed. */
  | HeldOffFetch;

/** What {@link obtainPolicy} works with. */
export interface ObtainOptions extends FleetMemoryParts {
  /** The fleet. */
  readonly fleet: Exchange;
  /** The operator wants a fetch of this host's own. */
  readonly isForced: boolean;
  /** A policy that the fleet has for a host that knows none: it is not signed. */
  readonly standIn: FleetPolicy | undefined;
  /** Left while another host's fetch is waited for. */
  readonly place: WorkPlace;
}

/** Gets a policy that a check wants: another host's, or by a fetch. Rejects only for a bug. */
export async function obtainPolicy(task: FetchTask, options: ObtainOptions): Promise<Obtained> {
  const { standIn, isForced, place } = options;
  if (standIn !== undefined && !isForced) {
    const held = takeWanted(standIn, { task, options });
    if (held !== undefined) return { kind: "shared", held };
  }
  for (let count = 1; count <= CLAIMS; count++) {
    const claim = await waitForClaim(task, { options, isForced: isForced || count > 1 });
    if (claim.kind === "fetch") return await fetchAndTell(task, { claim, options });
    if (isForced) continue;
    if (claim.kind === "learned") {
      const held = takeWanted(claim.policy, { task, options });
      if (held !== undefined) return { kind: "shared", held };
    } else if (countsNow(claim.failure, { task, options })) {
      return { kind: "held-off", failure: claim.failure };
    }
  }
  await place.comeBack();
  return (await retrieve(renewed(task, options), options)).result;
}

/** A failure may have come as news while this host waited. */
function renewed(task: FetchTask, { effects: { store } }: ObtainOptions): FetchTask {
  return { ...task, failure: store.getFailure(task.domain) };
}

/** Waits outside of the place: a flood of domains that other hosts fetch must not stop all checks here. */
async function waitForClaim(
  { domain, id }: FetchTask,
  { options, isForced }: { options: ObtainOptions; isForced: boolean },
): Promise<FleetClaim> {
  const { fleet, memory, place } = options;
  const held = memory.known(domain)?.held;
  const tolerance = held === undefined || held.id === id ? 0 : SAME_TEXT_MS;
  const newerThan = Math.max(0, (held?.fetchedAt ?? 0) - tolerance);
  if (fleet.isReachable) place.leave();
  return await fleet.claim(domain, { id, newerThan, heldText: held?.text, isForced });
}

async function fetchAndTell(
  task: FetchTask,
  { claim, options }: { claim: Extract<FleetClaim, { kind: "fetch" }>; options: ObtainOptions },
): Promise<PolicyFetch> {
  const { place, effects: { clock } } = options;
  let retrieved: Retrieved | undefined;
  let isLeased = true;
  try {
    const isBack = place.comeBack().then(() => true);
    isLeased = await withDeadline(isBack, { ms: PLACE_WAIT_MS, clock }) ?? false;
    if (!isLeased) claim.release();
    await isBack;
    retrieved = await retrieve(renewed(task, options), options);
    return retrieved.result;
  } finally {
    if (isLeased) tell(claim, retrieved, clock.now());
  }
}

/** Ends the lease with what the fetch came to. */
function tell(
  claim: Extract<FleetClaim, { kind: "fetch" }>,
  retrieved: Retrieved | undefined,
  now: number,
): void {
  if (retrieved?.failure !== undefined) return claim.publishFailure(retrieved.failure);
  // A policy with a `max_age` of 0 is nobody else's to use.
  if (retrieved?.result.kind !== "policy" || retrieved.result.held.expiresAt <= now) {
    return claim.release();
  }
  const { domain, id, text, fetchedAt, expiresAt } = retrieved.result.held;
  claim.publish({ domain, id, text, fetchedAt, expiresAt });
}

/** Takes the policy of another host; `undefined` if it does not do in place of the fetch. */
function takeWanted(
  shared: FleetPolicy,
  { task: { id }, options }: { task: FetchTask; options: ObtainOptions },
): HeldPolicy | undefined {
  const { step, held } = takePolicy(shared, { ...options, wantedId: id });
  if (step === "adopt" || step === "renew") return held;
  // It came as news meanwhile.
  return step === "ignore" && held?.id === id && held.text === shared.text ? held : undefined;
}

function countsNow(
  failure: StoredFailure,
  { task, options: { effects } }: { task: FetchTask; options: ObtainOptions },
): boolean {
  if (failure.id !== task.id || effects.clock.now() >= failure.retryAt) return false;
  const own = effects.store.getFailure(task.domain);
  if (own === undefined || own.failedAt < failure.failedAt) effects.store.putFailure(failure);
  return true;
}
