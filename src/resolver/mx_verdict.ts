/**
 * What an MX view is worth: when it counts, what may take its place, how long it stands in for lookups that fail.
 *
 * @module
 */

import type { MxResult, MxView } from "./types.ts";

/** How long a view may stand in for lookups that fail, ms: a day, in which an outage of DNS is noticed. */
const STALE_LIMIT_MS = 24 * 3600 * 1000;

/** A view used in this last share of its life is renewed in the background, so that no query waits for it. */
const RENEWAL_SHARE = 0.1;

/** An unchanged view is written to the store again after this, ms. */
const REWRITE_MS = 3600 * 1000;

/**
 * How DANE is looked for at this moment.
 *
 * - `off`: no zone wants it.
 * - `blind`: the DNS resolver does not validate, so nothing can be seen.
 * - `lenient`: whether it validates is not known; answers with the AD bit count, others are taken as they are.
 * - `strict`: it validates, or a zone requires it: answers that were not validated count as failures.
 */
export type DaneSight = "off" | "blind" | "lenient" | "strict";

/** Lookups that failed. */
export type MxFailure = Extract<MxResult, { kind: "failed" }>;

/** When a view is due to be renewed, ms: answers that rest on it are not given unasked from then on. */
export function renewalTime({ checkedAt, freshUntil }: MxView): number {
  return freshUntil - (freshUntil - checkedAt) * RENEWAL_SHARE;
}

/** The failure that unvalidated answers come to where DANE must be known. */
export const UNVALIDATED: MxFailure = {
  kind: "failed",
  reason: "unvalidated",
  detail: "answers that were not validated say nothing of DANE",
};

/** Whether a view says what must be known: one that was made without looking for DANE says nothing of it. */
export function counts({ dane, validated }: MxView, sight: DaneSight): boolean {
  if (sight === "off" || sight === "blind" || dane === "usable") return true;
  return dane !== "unchecked" && (validated || sight === "lenient");
}

/** What was found, or the failure it comes to where a next hop that had DANE would lose it without proof. */
export function keepDane(found: MxResult, held: MxView | undefined): MxResult {
  if (found.kind === "failed" || found.view.dane === "usable" || held?.dane !== "usable") {
    return found;
  }
  const { view, skippedFor } = found;
  if (!view.validated) return UNVALIDATED;
  const unseen = view.skipped.some((host) => held.daneHosts.includes(host));
  return unseen && skippedFor !== undefined ? { kind: "failed", ...skippedFor } : found;
}

/** The view, if it is young enough to stand in for lookups that fail at `now`, ms. */
export function usableStale(view: MxView | undefined, now: number): MxView | undefined {
  return view !== undefined && now - view.checkedAt < STALE_LIMIT_MS ? view : undefined;
}

/** Whether the store must have a view that takes the place of `previous`. */
export function needsWriting(view: MxView, previous: MxView): boolean {
  return view.dane !== previous.dane || view.validated !== previous.validated ||
    view.hosts?.join() !== previous.hosts?.join() ||
    view.daneHosts.join() !== previous.daneHosts.join() ||
    view.skipped.join() !== previous.skipped.join() ||
    view.checkedAt - previous.checkedAt >= REWRITE_MS;
}

/** What a view and an MX host in it take in memory, octets. */
const VIEW_OVERHEAD_OCTETS = 400;
const HOST_OVERHEAD_OCTETS = 40;

/** About how many octets the views of a domain take in memory. */
export function viewOctets(views: readonly MxView[]): number {
  let octets = 0;
  for (const { hosts = [] } of views) {
    octets += VIEW_OVERHEAD_OCTETS;
    for (const host of hosts) octets += HOST_OVERHEAD_OCTETS + host.length;
  }
  return octets;
}
