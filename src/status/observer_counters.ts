/**
 * The counters of what the resolver does; `observer.ts` counts.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";
import type { DnsFailure } from "../dns/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";
import { tlsrptResult } from "../tlsrpt/result_type.ts";
import { OUTCOMES } from "./outcome_text.ts";

const TXT_RESULTS = ["found", "absent", "several", "invalid"];
const POLICY_CHANGES = ["new", "changed", "refreshed", "downgraded"];
const DANE_STATES = ["usable", "absent", "unknown-port", "insecure", "unchecked"];
const DEFERRAL_CAUSES = [
  "dns-failure",
  "deadline",
  "cache-unusable",
  "dane-unknown",
  "mx-mismatch",
  "match-limit",
] as const;

/** Why Postfix is made to defer. */
export type DeferralCause = typeof DEFERRAL_CAUSES[number];

/** All failures there are. */
export interface KnownFailures {
  /** Of lookups. */
  readonly dns: readonly DnsFailure[];
  /** Of fetches. */
  readonly fetch: readonly FetchFailure[];
}

/** Declares the counters. */
export function declareCounters(metrics: Metrics) {
  return { ...declareLookups(metrics), ...declarePolicies(metrics) };
}

function declareLookups(metrics: Metrics) {
  return {
    txtLookups: metrics.counter(
      "mta_sts_txt_lookups_total",
      "TXT lookups of _mta-sts names by result.",
      ["result"],
    ),
    fetchFailures: metrics.counter(
      "mta_sts_fetch_failures_total",
      "Policies that could not be fetched, by reason and TLSRPT result type (RFC 8460 §4.3).",
      ["reason", "tlsrpt"],
    ),
    mxLookups: metrics.counter(
      "mta_sts_mx_lookups_total",
      "Lookups of MX hosts and their DANE records by result.",
      ["result"],
    ),
    deferrals: metrics.counter(
      "mta_sts_deferrals_total",
      "Decisions that make Postfix defer, by cause.",
      ["cause"],
    ),
    decisions: metrics.counter(
      "mta_sts_decisions_total",
      "Answers that were worked out, by outcome.",
      ["outcome"],
    ),
  };
}

function declarePolicies(metrics: Metrics) {
  return {
    policyChanges: metrics.counter(
      "mta_sts_policy_changes_total",
      "Policies that took effect, by what they changed.",
      ["change"],
    ),
    policiesShared: metrics.counter(
      "mta_sts_shared_policies_total",
      "Policies fetched by another host of the fleet that took effect, by what they changed.",
      ["change"],
    ),
    policiesKept: metrics.counter(
      "mta_sts_policies_kept_total",
      "Checks after which a cached policy stayed in use because no newer one could be obtained, by reason.",
      ["reason"],
    ),
    policiesOverdue: metrics.counter(
      "mta_sts_policies_overdue_total",
      "Checks after which a policy is a day overdue for its regular fetch, or about to expire without one.",
    ),
    fetchesHeldOff: metrics.counter(
      "mta_sts_fetches_held_off_total",
      "Fetches not made because the same policy id failed shortly before.",
    ),
  };
}

/** The counters of an observer. */
export type Counters = ReturnType<typeof declareCounters>;

/** Has each counter there at 0 for all values of its label: Prometheus sees the first increase only then. */
export function startAtZero(counters: Counters, failures: KnownFailures): void {
  for (const word of [...TXT_RESULTS, ...failures.dns]) counters.txtLookups.cell(word);
  for (const reason of failures.fetch) counters.fetchFailures.cell(reason, tlsrptResult(reason));
  for (const change of POLICY_CHANGES) {
    counters.policyChanges.cell(change);
    counters.policiesShared.cell(change);
  }
  for (const word of [...DANE_STATES, ...failures.dns]) counters.mxLookups.cell(word);
  for (const cause of DEFERRAL_CAUSES) counters.deferrals.cell(cause);
  for (const outcome of OUTCOMES) counters.decisions.cell(outcome);
}
