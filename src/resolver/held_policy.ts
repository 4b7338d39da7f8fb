/**
 * A policy that was fetched, here or by another host: parsed, with its times worked out (RFC 8461 §3.2, §5.1).
 *
 * @module
 */

import type { FleetPolicy } from "../fleet/types.ts";
import { expiryOf, PolicySyntaxError, readPolicyFile } from "../sts/policy.ts";
import type { HeldPolicy } from "./types.ts";

/** The regular fetch happens at this share of `interval`, at random, so that a day's fetches spread out. */
export const REFRESH_SPREAD = { from: 0.75, to: 1.25 };

/** A policy with a short `max_age` is fetched anew at the latest when this share of it is over. */
const REFRESH_BEFORE_EXPIRY = 0.6;

/**
 * Works out when a policy's regular fetch is due (RFC 8461 §3.3, §10.2).
 *
 * @param fetchedAt When it was fetched, ms.
 * @param options `maxAge` in seconds, the refresh `interval` in ms, and a `random` number in [0, 1).
 * @returns The time in ms; before expiry, and about once each interval.
 */
export function refreshTime(
  fetchedAt: number,
  options: { maxAge: number; interval: number; random: number },
): number {
  const { from, to } = REFRESH_SPREAD;
  const regular = options.interval * (from + (to - from) * options.random);
  return fetchedAt + Math.min(regular, options.maxAge * 1000 * REFRESH_BEFORE_EXPIRY);
}

/**
 * Makes a policy of what was fetched: parsed, and its times worked out.
 *
 * @param fetched The text and its circumstances; `refreshAt` is the time of the fetch until it is decided.
 * @returns The policy, or the syntax error.
 */
export function holdPolicy(
  { domain, id, text, fetchedAt }: Pick<HeldPolicy, "domain" | "id" | "text" | "fetchedAt">,
): HeldPolicy | PolicySyntaxError {
  try {
    const file = readPolicyFile(text);
    const expiresAt = expiryOf(file.policy, fetchedAt);
    return { domain, id, ...file, fetchedAt, expiresAt, refreshAt: fetchedAt };
  } catch (error) {
    if (error instanceof PolicySyntaxError) return error;
    throw error;
  }
}

/**
 * Makes a policy of what another host fetched. Its age counts from that fetch, and never ends later than it says. One
 * of which the fetch is not known is due for its own at once.
 *
 * @param shared The policy of the other host.
 * @param options The current time `now` and the refresh `interval` in ms, and a `random` number in [0, 1): each host
 *   has its own time of refresh, so that the first of them refreshes for all.
 */
export function holdShared(
  { domain, id, text, policy, strings, isForeign = false, ...times }: FleetPolicy,
  { now, interval, random }: { now: number; interval: number; random: number },
): HeldPolicy {
  const fetchedAt = Math.min(times.fetchedAt, now);
  const expiresAt = Math.min(times.expiresAt, expiryOf(policy, fetchedAt));
  const refreshAt = isForeign
    ? now
    : refreshTime(fetchedAt, { maxAge: policy.maxAge, interval, random });
  return { domain, id, text, policy, strings, fetchedAt, expiresAt, refreshAt };
}
