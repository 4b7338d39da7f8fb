/**
 * Policy changes that cost mail or protection: mail that no longer arrives (RFC 8461 §4.1, §8.1),
 * and protection that ends too early (§8.3, §10.2).
 *
 * @module
 */

import { matchesMx } from "../sts/mx_pattern.ts";
import type { Policy } from "../sts/policy.ts";

/** A reason not to make a change. */
export interface Danger {
  /** One sentence, with the section. */
  readonly problem: string;
  readonly advice: string;
}

/** A policy and its successor. */
export interface PolicyChange {
  readonly current: Policy;
  readonly next: Policy;
  /** Names of the MX records, lower-case; `undefined` if they could not be looked up. */
  readonly mxHosts: readonly string[] | undefined;
}

/** The "small max_age" of a policy that is withdrawn, seconds: a day, as in the example of RFC 8461 §8.3. */
export const REMOVAL_MAX_AGE = 86400;

/** Finds what is dangerous about a change; empty if nothing is. */
export function findDangers(change: PolicyChange): Danger[] {
  return [...mailDangers(change), ...protectionDangers(change)];
}

function mailDangers({ current, next, mxHosts }: PolicyChange): Danger[] {
  if (next.mode === "none") return [];
  if (mxHosts === undefined) {
    return [{
      problem: "the MX records cannot be looked up, so the policy may not cover them",
      advice: "try again when DNS works",
    }];
  }
  const dangers = mxHosts
    .filter((host) => !next.mx.some((pattern) => matchesMx(pattern, host)))
    .map((host): Danger => ({
      problem: `the MX host ${host} is still in DNS and no mx of the new policy covers it (§4.1)`,
      advice: "keep it in the policy until its MX record is gone and the TTL has passed",
    }));
  if (next.mode === "enforce" && current.mode === "none") {
    dangers.push({
      problem: "enforce would follow none: the policy has not been tested (§5)",
      advice: "use --mode testing first",
    });
  }
  return dangers;
}

function protectionDangers({ current, next }: PolicyChange): Danger[] {
  const dangers: Danger[] = [];
  if (current.mode === "enforce" && next.mode === "none") {
    dangers.push({
      problem: "none would follow enforce: protection ends when senders see the new id (§8.3)",
      advice: "to look into a problem, use --mode testing",
    });
  }
  if (next.mode === "none" && next.maxAge > REMOVAL_MAX_AGE) {
    dangers.push({
      problem: `a policy of mode none needs a small max_age, not ${next.maxAge} (§8.3)`,
      advice: `use --max-age ${REMOVAL_MAX_AGE}`,
    });
  }
  if (next.mode === "enforce" && current.mode === "enforce" && next.maxAge < current.maxAge) {
    dangers.push({
      problem:
        `max_age falls from ${current.maxAge} to ${next.maxAge}: an attacker need not block ` +
        "the policy for as long (§10.2)",
      advice: "keep max_age; to withdraw the policy, use --mode none",
    });
  }
  return dangers;
}
