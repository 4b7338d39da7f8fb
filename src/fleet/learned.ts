/**
 * Whether what the fleet knows makes a fetch needless (RFC 8461 §3.1, §3.3).
 *
 * | # | Entry | Result |
 * | --- | --- | --- |
 * | 1 | policy with another id than the own TXT record's, or not newer than the held one | does not count |
 * | 2 | policy with the text that is held, fetched within a minute of it | does not count: clocks may show the held fetch itself |
 * | 3 | signed policy | `learned` |
 * | 4 | unsigned policy where none is held, or with the text that is held | `learned` |
 * | 5 | unsigned policy with another text than the held one | `alone`: this host fetches, and need not wait |
 * | 6 | failure with that id, whose next attempt is not due | `failed` |
 *
 * Pure.
 *
 * @module
 */

import type { ClaimRequest, FleetClaim, FleetKnowledge } from "./types.ts";

/**
 * A policy with the held text, and newer by no more than this, ms, may be the held one: the engine's clock and this
 * host's drift apart, by seconds in a day, and a policy must not seem newer than itself again and again.
 */
const SAME_FETCH_MS = 60_000;

/** What is learned instead of a fetch. */
export type Learned = Extract<FleetClaim, { kind: "learned" | "failed" }>;

/**
 * Judges what is known, or what the news says.
 *
 * @param options `now` in ms.
 * @returns What to do instead of a fetch of this host's own; `alone` to fetch without waiting for others; `undefined`
 *   if nothing of it counts.
 */
export function judgeKnowledge(
  { policy, failure }: FleetKnowledge,
  { id, newerThan, heldText }: ClaimRequest,
  { now }: { readonly now: number },
): Learned | "alone" | undefined {
  if (policy?.id === id) {
    const isSame = policy.text === heldText;
    if (policy.fetchedAt > newerThan + (isSame ? SAME_FETCH_MS : 0)) {
      if (!policy.isSigned && heldText !== undefined && !isSame) return "alone";
      return { kind: "learned", policy };
    }
  }
  if (failure?.id !== id || failure.retryAt <= now) return undefined;
  return { kind: "failed", failure };
}
