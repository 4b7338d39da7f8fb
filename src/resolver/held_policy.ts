/**
 * A policy in memory: parsed from the text that was fetched or stored, with its
 * times worked out (RFC 8461 §3.2, §5.1).
 *
 * @module
 */

import { parsePolicy, PolicySyntaxError } from "../sts/policy.ts";
import type { StoredPolicy } from "../cache/types.ts";
import type { HeldPolicy } from "./types.ts";

/** The regular fetch happens at this share of `interval`, at random, so that a day's fetches spread out. */
const REFRESH_SPREAD = { from: 0.75, to: 1.25 };

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
 * Parses a stored or just fetched policy.
 *
 * @returns The policy, or the syntax error.
 */
export function holdPolicy(
  stored: Omit<StoredPolicy, "lastUsedAt">,
): HeldPolicy | PolicySyntaxError {
  try {
    const policy = parsePolicy(stored.text);
    return {
      domain: stored.domain,
      id: stored.id,
      policy,
      text: stored.text,
      fetchedAt: stored.fetchedAt,
      expiresAt: stored.fetchedAt + policy.maxAge * 1000,
      refreshAt: stored.refreshAt,
    };
  } catch (error) {
    if (error instanceof PolicySyntaxError) return error;
    throw error;
  }
}
