/**
 * The decision: which policy, if any, a query or a check ends with (RFC 8461 §3.1, §3.3, §5.1).
 *
 * | # | Live policy held? | TXT record | HTTPS fetch | Outcome | Answer rests on |
 * | --- | --- | --- | --- | --- | --- |
 * | 1 | yes | checked lately | – | `fresh` | held policy |
 * | 2 | yes | due to be checked: that starts in the background | – | `rechecking` | held policy |
 * | 2 | yes | same `id` | – | `unchanged` | held policy |
 * | 3 | yes | none, several, invalid, DNS failure | – | `kept-without-record` | held policy |
 * | 4 | yes | new `id` (or refresh due) | ok | `replaced` | new policy, whatever its mode |
 * | 5 | yes | new `id` (or refresh due) | fails, or is held off | `kept-fetch-failed` | held policy |
 * | 6 | expired | any | – | as if none was held | an expired policy is never used |
 * | 7 | no | found | ok | `fetched` | new policy |
 * | 8 | no | found | fails, or is held off | `fetch-failed` | no policy (MUST deliver, §3.3) |
 * | 9 | no | none, several, invalid | – | `no-record` | no policy |
 * | 10 | no | DNS failure | – | `dns-failure` | the zone's `on_dns_failure` |
 * | 10 | unknown: the store cannot be read | as in rows 8 to 11 | – | `cache-unusable` | the zone's `on_dns_failure` |
 * | 11 | no | not known at the deadline of the query, or no room for a check | – | `deadline` | the zone's `on_dns_failure` |
 *
 * An exception of the configuration (`exceptions.ts`) comes before this table.
 *
 * In a fleet, other hosts share what they fetched. `shared` is the outcome where an answer rests on that.
 *
 * | # | Live policy held? | Policy of another host | Signed? | Then |
 * | --- | --- | --- | --- | --- |
 * | 12 | any | expired, or not fetched after the one held, or held last | – | `ignore` |
 * | 13 | yes | the same text and `id`; signed: the same text | – | `renew`: the times move, and the `id` if it is wanted |
 * | 14 | yes | another text, whatever its mode | yes | `adopt`, like row 4 |
 * | 15 | yes | another text or `id` | no | `check`: own lookup and own fetch |
 * | 16 | no | any | yes | `adopt`; rows 1 to 5 go on from there |
 * | 17 | no | under the `id` that this check wants to fetch | no | `adopt`, in place of that fetch |
 * | 18 | no | under another `id`, or without a check | no | `check` |
 *
 * A policy counts as held if memory or store has it at that moment: the resolver looks at the store again
 * before each answer of rows 8 to 11. The outcomes of rows 8 to 10 are remembered for a while. A check goes
 * on after the deadline of the query that waits for it.
 *
 * {@link decideQuery} has rows 1, the first half of 2, and 8 to 11; {@link decideCheck} has the rows that take
 * a look at DNS; {@link isLive} is row 6; {@link decideShared} has rows 12 to 18. All are pure.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { FleetPolicy } from "../fleet/types.ts";
import type { AbsentOutcome, KeptOutcome, UnheldOutcome } from "./outcome.ts";
import type { HeldPolicy, KeptReason, PolicyFetch, TxtResult } from "./types.ts";

/**
 * Whether a policy may be used: row 6.
 *
 * @param policy The policy in memory or store.
 * @param proven The time that has certainly come, ms: `ProvenClock.proven`.
 */
export function isLive({ expiresAt }: Pick<HeldPolicy, "expiresAt">, proven: number): boolean {
  return proven < expiresAt;
}

/** What a check found where no policy is held, and how long that counts, ms. */
export interface Absence {
  /** What the check found. */
  readonly outcome: AbsentOutcome;
  /** Queries are answered without another check up to here. */
  readonly until: number;
}

/** A query for which a live policy is held. Times in ms. */
export interface HeldFacts {
  /** A live policy is held. */
  readonly kind: "held";
  /** The current time. */
  readonly now: number;
  /** When the TXT record is due to be checked. */
  readonly nextCheckAt: number;
}

/** A query for which no live policy is to be had. Times in ms. */
export interface UnheldFacts {
  /** None is held, as far as can be read. */
  readonly kind: "unheld";
  /** The current time. */
  readonly now: number;
  /** Why the store cannot be read, if so: there may be a policy. */
  readonly storeFault: string | undefined;
  /** What the last check found, or the one that the query has waited for. */
  readonly absence: Absence | undefined;
  /** The query has waited for a check, or cannot. */
  readonly hasWaited: boolean;
}

/** Decides a query for which a live policy is held; `rechecking` asks for a check in the background. */
export function decideQuery(facts: HeldFacts): "fresh" | "rechecking";
/** Decides a query that has waited for a check which found no policy, or has not ended in time. */
export function decideQuery(facts: UnheldFacts & { readonly hasWaited: true }): UnheldOutcome;
/** Decides a query for which no live policy is held; `check-first` asks to wait for a check. */
export function decideQuery(facts: UnheldFacts): UnheldOutcome | "check-first";
/** Decides a query. Where a check ended with a policy, its outcome is that of the query that waited for it. */
export function decideQuery(
  facts: HeldFacts | UnheldFacts,
): "fresh" | "rechecking" | "check-first" | UnheldOutcome {
  if (facts.kind === "held") return facts.now < facts.nextCheckAt ? "fresh" : "rechecking";
  const { now, storeFault, absence, hasWaited } = facts;
  if (!hasWaited && (absence === undefined || now >= absence.until)) return "check-first";
  if (storeFault !== undefined) return "cache-unusable";
  return absence?.outcome ?? "deadline";
}

/** What a check knows. Times in ms. */
export interface CheckFacts {
  /** The live policy, if one is held at this moment. */
  readonly held: HeldPolicy | undefined;
  /** The result of the TXT lookup. */
  readonly txt: TxtResult;
  /** The current time. */
  readonly now: number;
  /** The operator wants a fetch now, back-off or not. */
  readonly isForced: boolean;
  /** There is reason to fetch before the refresh is due: row 15. */
  readonly isDoubted?: boolean;
  /** The last fetch that failed; it is needed once a fetch is wanted. */
  readonly failure?: StoredFailure | undefined;
  /** The result of the fetch, once it was made, or another host's failure in its place. */
  readonly fetched?: PolicyFetch | HeldOffFetch;
}

/** A fetch that is not made, because another host's fetch of the same id has failed. */
export interface HeldOffFetch {
  /** It is held off. */
  readonly kind: "held-off";
  /** The failure of the other host. */
  readonly failure: StoredFailure;
}

/** How a check ends. */
export type CheckEnd =
  /** A new policy takes effect. */
  | {
    readonly step: "adopt";
    readonly outcome: "replaced" | "fetched";
    readonly policy: HeldPolicy;
    /** The live policy whose place it takes. */
    readonly previous: HeldPolicy | undefined;
  }
  /** The held policy is the current one. */
  | { readonly step: "confirm"; readonly outcome: "unchanged"; readonly policy: HeldPolicy }
  /** The held policy stays in use for want of a newer one. */
  | {
    readonly step: "keep";
    readonly outcome: KeptOutcome;
    readonly policy: HeldPolicy;
    readonly reason: KeptReason;
    /** The failure that holds the fetch off. */
    readonly heldOff?: StoredFailure | undefined;
  }
  /** There is no policy to use. */
  | {
    readonly step: "do-without";
    readonly outcome: AbsentOutcome;
    /** The failure that holds the fetch off. */
    readonly heldOff?: StoredFailure | undefined;
  };

/** The end of a check, or the fetch that has to come before; `id` is the one to store the policy under. */
export type CheckDecision = CheckEnd | { readonly step: "fetch"; readonly id: string };

/** Decides a check after its fetch. */
export function decideCheck(
  facts: CheckFacts & { readonly fetched: PolicyFetch | HeldOffFetch },
): CheckEnd;
/** Decides a check after its TXT lookup. */
export function decideCheck(facts: CheckFacts): CheckDecision;
/** Decides a check. */
export function decideCheck(facts: CheckFacts): CheckDecision {
  const { held, fetched } = facts;
  if (fetched?.kind === "policy") {
    const outcome = held === undefined ? "fetched" : "replaced";
    return { step: "adopt", outcome, policy: fetched.held, previous: held };
  }
  if (fetched?.kind === "held-off") {
    return endUnfetched(held, { reason: "held-off", heldOff: fetched.failure });
  }
  if (fetched !== undefined) return endUnfetched(held, { reason: fetched.reason });
  return held === undefined ? decideWithout(facts) : decideHolding(facts, held);
}

function decideHolding(facts: CheckFacts, held: HeldPolicy): CheckDecision {
  const { txt, now, isForced, isDoubted = false } = facts;
  // §10.2: the regular fetch is made whatever TXT says.
  const isRefreshDue = isForced || isDoubted || now >= held.refreshAt;
  if (txt.kind === "found") {
    return txt.id === held.id && !isRefreshDue
      ? { step: "confirm", outcome: "unchanged", policy: held }
      : fetchUnlessHeldOff(facts, txt.id);
  }
  // Without a record the policy keeps the id that it has.
  if (isRefreshDue) return fetchUnlessHeldOff(facts, held.id);
  return { step: "keep", outcome: "kept-without-record", policy: held, reason: txt.reason };
}

function decideWithout(facts: CheckFacts): CheckDecision {
  const { txt } = facts;
  switch (txt.kind) {
    case "found":
      return fetchUnlessHeldOff(facts, txt.id);
    case "none":
      return { step: "do-without", outcome: "no-record" };
    case "failed":
      return { step: "do-without", outcome: "dns-failure" };
  }
}

/** §3.3: an `id` whose fetch failed is left alone for a while, another one is tried at once. */
function fetchUnlessHeldOff(facts: CheckFacts, id: string): CheckDecision {
  const { held, now, isForced, failure } = facts;
  const isHeldOff = failure?.id === id && now < failure.retryAt && !isForced;
  return isHeldOff
    ? endUnfetched(held, { reason: "held-off", heldOff: failure })
    : { step: "fetch", id };
}

function endUnfetched(
  held: HeldPolicy | undefined,
  { reason, heldOff }: { reason: KeptReason; heldOff?: StoredFailure | undefined },
): CheckEnd {
  return held === undefined
    ? { step: "do-without", outcome: "fetch-failed", heldOff }
    : { step: "keep", outcome: "kept-fetch-failed", policy: held, reason, heldOff };
}

/** A policy of another host, beside what is held here. */
export interface SharedFacts {
  /** The live policy, if one is held at this moment. */
  readonly held: Pick<HeldPolicy, "id" | "text" | "fetchedAt"> | undefined;
  /** When the policy was fetched that was held last, ms, though it has expired; `undefined` if that is not known. */
  readonly lastFetchedAt?: number | undefined;
  /** The policy of the other host. */
  readonly shared: Pick<FleetPolicy, "id" | "text" | "fetchedAt" | "expiresAt" | "isSigned">;
  /** The `id` that a check wants to fetch now: that of the own TXT record, or of the held policy without one. */
  readonly wantedId: string | undefined;
  /** The current time, ms. */
  readonly now: number;
}

/** Decides what becomes of a policy of another host. In whatever order hosts hear of policies, they agree in the end. */
export function decideShared(facts: SharedFacts): "ignore" | "renew" | "adopt" | "check" {
  const { held, lastFetchedAt = -Infinity, shared, wantedId, now } = facts;
  if (now >= shared.expiresAt) return "ignore";
  // One that was replaced does not come back when its successor has expired.
  if (held === undefined && shared.fetchedAt <= lastFetchedAt) return "ignore";
  if (held === undefined) return shared.isSigned || shared.id === wantedId ? "adopt" : "check";
  if (shared.text === held.text) {
    // An id that is new to this check was fetched by the other host, and is the one of the text that is held.
    if (shared.isSigned && shared.id === wantedId && shared.id !== held.id) return "renew";
    if (shared.fetchedAt <= held.fetchedAt) return "ignore";
    return shared.isSigned || shared.id === held.id ? "renew" : "check";
  }
  // Of two fetched in the same millisecond all hosts prefer the same one.
  const isLater = shared.fetchedAt > held.fetchedAt ||
    (shared.fetchedAt === held.fetchedAt && shared.text > held.text);
  if (!isLater) return "ignore";
  return shared.isSigned ? "adopt" : "check";
}

/**
 * Decides whether the failed fetch of another host counts here: the newest does, unless its `id` was fetched since.
 *
 * @param shared The failure of the other host; signed.
 * @param known The live policy held, and the last failure here.
 */
export function countsFailure(
  shared: Pick<StoredFailure, "id" | "failedAt">,
  { held, failure }: {
    held: Pick<HeldPolicy, "id" | "fetchedAt"> | undefined;
    failure: StoredFailure | undefined;
  },
): boolean {
  if (held?.id === shared.id && held.fetchedAt >= shared.failedAt) return false;
  return failure === undefined || shared.failedAt > failure.failedAt;
}
