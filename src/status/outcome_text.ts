/**
 * What the outcomes of queries and checks mean, in the sentences of `lookup` and the status page.
 *
 * @module
 */

import type { Outcome } from "../resolver/outcome.ts";

/** A sentence for each outcome. */
export const OUTCOME_TEXT: Readonly<Record<Outcome, string>> = {
  fresh: "the cached policy is in use; it was checked lately",
  rechecking: "the cached policy is in use; a new check runs in the background",
  unchanged: "the cached policy is in use; its id has not changed",
  "kept-without-record":
    "the cached policy stays in use although the TXT record gave none (RFC 8461 §3.3)",
  "kept-fetch-failed": "the cached policy stays in use although the fetch failed (RFC 8461 §3.3)",
  replaced: "the policy was fetched again and replaces the cached one",
  fetched: "the policy was fetched",
  shared: "the policy was fetched by another host of the fleet",
  "fetch-failed":
    "no policy: the fetch failed, so mail is delivered as without one (RFC 8461 §3.3)",
  "no-record": "no policy: there is no usable TXT record (RFC 8461 §3.1)",
  "dns-failure": "unknown: the DNS lookup failed",
  "cache-unusable": "unknown: the cache file cannot be read",
  "exception-ignore": "an exception of the configuration says that no policy counts",
  "exception-enforce": "an exception of the configuration says which MX hosts are accepted",
  deadline: "unknown: no answer in time",
};

/** All outcomes. */
export const OUTCOMES = Object.keys(OUTCOME_TEXT) as readonly Outcome[];

/** An outcome with its sentence, such as `fetched: the policy was fetched`. */
export function explainOutcome(outcome: Outcome): string {
  return `${outcome}: ${OUTCOME_TEXT[outcome]}`;
}
