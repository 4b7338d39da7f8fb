/**
 * What a fleet knows of a domain, as the control socket sends it: its policy and back-off, who fetched it, and what
 * would become of it on this host. docs/cache.schema.json describes it.
 *
 * @module
 */

import type { DomainStore, StoredPolicy } from "../cache/types.ts";
import type { Fleet } from "../fleet/status.ts";
import type { FleetPolicy } from "../fleet/types.ts";
import { describeFailure, type EntryFailure } from "./cache_entry.ts";

/**
 * What becomes of the fleet's policy on this host.
 *
 * - `same`: it is the one that is held.
 * - `older`: a newer one is held.
 * - `newer`: it replaces the one that is held, or moves its times, with the next news or check.
 * - `check`: it differs from the one that is held and is not signed, so this host checks by itself.
 * - `taken`: none is held; the first query takes it.
 * - `first-fetch`: none is held, and it is not signed: it stands in for a fetch if the own TXT lookup finds its id.
 */
export type FleetEffect = "same" | "older" | "newer" | "check" | "taken" | "first-fetch";

/** A policy of the fleet. Times are ISO 8601, durations seconds. */
export interface SharedEntry {
  readonly id: string;
  readonly mode: string;
  readonly max_age: number;
  readonly mx: readonly string[];
  readonly fetched: string;
  readonly expires: string;
  /** Who fetched it. */
  readonly host: string;
  readonly signed: boolean;
  readonly effect: FleetEffect;
}

/** What a fleet knows of a domain. */
export interface FleetEntry {
  /** The engine, without password. */
  readonly engine: string;
  /** How the engine does. */
  readonly state: string;
  /** Whether the engine answered; without that, nothing is known. */
  readonly answered: boolean;
  readonly policy?: SharedEntry;
  readonly failure?: EntryFailure;
}

/**
 * Two times of one fetch may differ by this, ms: each was converted to the engine's time and back, by clocks that drift.
 */
const SAME_MS = 60_000;

/** Whether the fleet's policy is the one that is held. */
export function isSameFetch(
  held: Pick<StoredPolicy, "id" | "text" | "fetchedAt">,
  shared: Pick<FleetPolicy, "id" | "text" | "fetchedAt">,
): boolean {
  return held.id === shared.id && held.text === shared.text &&
    Math.abs(held.fetchedAt - shared.fetchedAt) <= SAME_MS;
}

/** Asks the fleet about a domain. Never rejects, and waits no longer than the exchange does. */
export async function describeFleetEntry(
  domain: string,
  { fleet, store, now }: {
    readonly fleet: Pick<Fleet, "ask" | "status">;
    readonly store: Pick<DomainStore, "getPolicy">;
    /** The time, ms. */
    readonly now: number;
  },
): Promise<FleetEntry> {
  const known = await fleet.ask(domain);
  const { label, state } = fleet.status();
  const { policy, failure } = known ?? {};
  const held = store.getPolicy(domain);
  return {
    engine: label,
    state,
    answered: known !== undefined,
    ...(policy && {
      policy: describeShared(policy, {
        held: held.kind === "found" ? held.policy : undefined,
        now,
      }),
    }),
    ...(failure && { failure: describeFailure(failure) }),
  };
}

/** What the fleet's policy is judged beside. */
interface Beside {
  readonly held: StoredPolicy | undefined;
  readonly now: number;
}

function describeShared(shared: FleetPolicy, beside: Beside): SharedEntry {
  const { id, policy, host, isSigned } = shared;
  return {
    id,
    mode: policy.mode,
    max_age: policy.maxAge,
    mx: policy.mx,
    fetched: new Date(shared.fetchedAt).toISOString(),
    expires: new Date(shared.expiresAt).toISOString(),
    host,
    signed: isSigned,
    effect: effectOf(shared, beside),
  };
}

/** A held policy that has expired is none. */
function effectOf(shared: FleetPolicy, { held, now }: Beside): FleetEffect {
  if (held === undefined || held.expiresAt <= now) {
    return shared.isSigned ? "taken" : "first-fetch";
  }
  if (isSameFetch(held, shared)) return "same";
  if (held.fetchedAt > shared.fetchedAt) return "older";
  return shared.isSigned || held.text === shared.text ? "newer" : "check";
}
