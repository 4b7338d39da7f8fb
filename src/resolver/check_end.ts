/**
 * Puts the end of a check into memory and store, and says how long it counts.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { Absence, CheckEnd } from "./decide.ts";
import type { DomainMemory, DomainState } from "./memory_types.ts";
import type { PolicyOutcome } from "./outcome.ts";
import { MAX_BACKOFF_MS } from "./retrieve.ts";
import type { HeldPolicy, ResolverEffects, ResolverSettings, TxtResult } from "./types.ts";

/** What may soon turn out otherwise is taken for the state of a domain no longer than this, ms. */
const UNSURE_MEMORY_MS = 30_000;

/** How a check ended: with a policy to answer with, or without one for a while. */
export type CheckResult =
  | {
    readonly outcome: PolicyOutcome;
    /** One with a `max_age` of 0 serves the answers that waited for this check, and no others. */
    readonly held: HeldPolicy;
  }
  | Absence & { readonly held?: undefined };

/** What a check works with. */
export interface CheckTools {
  /** Where its end is put. */
  readonly memory: DomainMemory;
  /** How long that counts. */
  readonly settings: ResolverSettings;
  /** Clock, store and observer. */
  readonly effects: ResolverEffects;
}

/** The end of a check. */
export interface Ending {
  /** What was decided; or the policy of another host, which is in memory already. */
  readonly end: CheckEnd | { readonly step: "share"; readonly policy: HeldPolicy };
  /** The result of the TXT lookup. */
  readonly txt: TxtResult;
  /** There is a fleet, and it could not be asked. */
  readonly isAlone: boolean;
}

/** Puts the end of a check into memory and store. */
export function finishCheck(
  state: DomainState,
  { end, txt, isAlone }: Ending,
  { memory, settings, effects: { clock, store, observe } }: CheckTools,
): CheckResult {
  const now = clock.now();
  const heldOff = "heldOff" in end ? end.heldOff : undefined;
  if (heldOff !== undefined) observe({ kind: "held-off", domain: state.domain, failure: heldOff });
  const validity = { now, heldOff, isUnsure: txt.kind === "failed" };
  state.nextCheckAt = now + validFor(settings.recheck, validity);
  switch (end.step) {
    case "adopt": {
      const { policy, previous } = end;
      memory.adopt(state, policy);
      observe({ kind: "policy", held: policy, previous });
      return { outcome: end.outcome, held: policy };
    }
    case "share":
      return { outcome: "shared", held: end.policy };
    case "confirm":
      return { outcome: end.outcome, held: end.policy };
    case "keep": {
      const { policy: held, outcome, reason } = end;
      // The refresher comes back in an hour, not at each of its rounds.
      if (held.refreshAt <= now) store.deferRefresh(held.domain, now + MAX_BACKOFF_MS);
      observe({ kind: "kept", held, outcome, reason });
      return { outcome, held };
    }
    case "do-without": {
      const isUnsure = validity.isUnsure || isAlone;
      const until = now + validFor(settings.negativeTtl, { ...validity, isUnsure });
      state.absence = { outcome: end.outcome, until };
      return state.absence;
    }
  }
}

/** How long the result of a check is taken for the state of the domain, ms. */
function validFor(
  regular: number,
  { now, heldOff, isUnsure }: {
    now: number;
    heldOff: StoredFailure | undefined;
    /** DNS failed, or the fleet could not be asked. */
    isUnsure: boolean;
  },
): number {
  if (isUnsure) return Math.min(UNSURE_MEMORY_MS, regular);
  // A fetch that is held off is tried when its time comes, not a full interval later.
  return heldOff === undefined ? regular : Math.min(regular, heldOff.retryAt - now);
}
