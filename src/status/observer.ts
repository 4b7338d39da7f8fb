/**
 * What the resolver tells, put into log lines, counters and warnings. Each event has one
 * definition here, so that a reason reads the same in the log, the metrics and a reply.
 *
 * @module
 */

import { tlsrptResult } from "../tlsrpt/result_type.ts";
import type { DnsFailure } from "../dns/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";
import type { HeldPolicy, ResolverEvent } from "../resolver/types.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";

/** A policy that was not fetched for this much longer than the refresh interval is a matter for the postmaster, ms. */
const REFRESH_GRACE_MS = 24 * 3600 * 1000;

/** A policy with a short `max_age` is so when this share of it is over: the regular fetch comes well before. */
const REFRESH_SHARE = 0.75;

/** What {@link createObserver} needs. */
export interface ObserverOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  /** Current time, ms. */
  readonly now: () => number;
  /** The refresh interval, ms. */
  readonly refreshInterval: number;
  /** All failures there are: a counter must be there at 0 for its first increase to be seen. */
  readonly failures: {
    readonly dns: readonly DnsFailure[];
    readonly fetch: readonly FetchFailure[];
  };
}

const TXT_RESULTS = ["found", "absent", "several", "invalid"];
const POLICY_CHANGES = ["new", "changed", "refreshed", "downgraded"];
const DANE_STATES = ["usable", "absent", "unknown-port", "insecure", "unchecked"];
const DEFERRAL_CAUSES = [
  "dns-failure",
  "deadline",
  "cache-unusable",
  "dane-unknown",
  "mx-mismatch",
];

type EventOf<K extends ResolverEvent["kind"]> = Extract<ResolverEvent, { kind: K }>;

/** Creates the observer of a resolver. */
export function createObserver(options: ObserverOptions): (event: ResolverEvent) => void {
  const { log, warnings, now } = options;
  const counters = declareCounters(options);

  function onTxt({ domain, result, ms }: EventOf<"txt">): void {
    const word = result.kind === "found" ? "found" : result.reason;
    counters.txtLookups.cell(word).value++;
    const detail = result.kind === "found" ? undefined : result.detail;
    log.debug("txt record looked up", { domain, result: word, detail, ms: Math.round(ms) });
    // A failure is never taken for "no policy" in silence.
    if (result.kind === "failed") {
      warnings.warn(`${domain} txt ${word}`, "txt lookup failed", { domain, reason: word, detail });
    }
  }

  function onFetch({ domain, id, result, ms }: EventOf<"fetch">): void {
    const took = Math.round(ms);
    if (result.kind === "policy") {
      log.debug("policy fetched", { domain, id, mode: result.held.policy.mode, ms: took });
      return;
    }
    const { reason, detail } = result;
    counters.fetchFailures.cell(reason, tlsrptResult(reason)).value++;
    warnings.warn(`${domain} fetch ${reason}`, "policy fetch failed", {
      domain,
      id,
      reason,
      detail,
    });
  }

  function onPolicy({ held, previous }: EventOf<"policy">): void {
    const change = changeOf(held, previous);
    counters.policyChanges.cell(change).value++;
    const fields = {
      domain: held.domain,
      id: held.id,
      mode: held.policy.mode,
      max_age: held.policy.maxAge,
      mx: held.policy.mx.join(" "),
    };
    if (change === "downgraded") {
      const from = previous?.policy.mode;
      warnings.warn(`${held.domain} downgraded`, "policy downgraded", { ...fields, from });
    } else if (change === "refreshed") log.debug("policy refreshed", fields);
    else log.info(change === "new" ? "policy found" : "policy changed", fields);
  }

  function onKept({ held, reason }: EventOf<"kept">): void {
    counters.policiesKept.cell(reason).value++;
    const age = now() - held.fetchedAt;
    const fields = { domain: held.domain, reason, expires: new Date(held.expiresAt).toISOString() };
    // RFC 8461 §8.3, §10.2: a withdrawn policy of mode none may vanish without a word.
    if (held.policy.mode === "none") log.debug("policy kept", fields);
    else if (
      age > options.refreshInterval + REFRESH_GRACE_MS ||
      age > held.policy.maxAge * 1000 * REFRESH_SHARE
    ) {
      counters.policiesOverdue.cell().value++;
      const hours = Math.floor(age / 3_600_000);
      warnings.warn(`${held.domain} overdue`, "policy not refreshed", { ...fields, hours });
    } else warnings.warn(`${held.domain} kept ${reason}`, "policy kept", fields);
  }

  function onMx({ nextHop, result, ms }: EventOf<"mx">): void {
    const word = result.kind === "known" ? result.view.dane : result.reason;
    counters.mxLookups.cell(word).value++;
    if (result.kind === "known") {
      const hosts = result.view.hosts?.join(" ");
      log.debug("mx looked up", { nexthop: nextHop, dane: word, hosts, ms: Math.round(ms) });
      const { skippedFor, view: { skipped } } = result;
      if (skippedFor === undefined) return;
      warnings.warn(`${nextHop} mx skipped`, "mx host skipped", {
        nexthop: nextHop,
        hosts: skipped.join(" "),
        ...skippedFor,
      });
    } else {
      const { detail } = result;
      warnings.warn(`${nextHop} mx ${word}`, "mx lookup failed", {
        nexthop: nextHop,
        reason: word,
        detail,
      });
    }
  }

  function onAnswer({ domain, zone, row, answer, storeFault }: EventOf<"answer">): void {
    counters.decisions.cell(String(row)).value++;
    const cause = storeFault !== undefined && answer.kind === "temp"
      ? "cache-unusable"
      : deferralCause(row, answer);
    if (cause !== undefined) counters.deferrals.cell(cause).value++;
    if (cause === "mx-mismatch") {
      warnings.warn(`${domain} ${cause}`, "no mx host matches the policy", { domain });
    } else if (answer.kind === "temp") {
      warnings.warn(`${domain} ${cause}`, "deferred", { domain, reason: answer.reason });
    }
    // One line an hour for all domains: what they have in common is said, and counted.
    if (storeFault !== undefined) {
      warnings.warn("answered without the cache", "answered without the cache", {
        domain,
        reason: storeFault,
      });
    }
    log.debug("answered", {
      domain,
      zone: zone.name,
      answer: answer.kind,
      row,
      reason: storeFault,
    });
  }

  return (event: ResolverEvent): void => {
    switch (event.kind) {
      case "txt":
        return onTxt(event);
      case "fetch":
        return onFetch(event);
      case "held-off":
        counters.fetchesHeldOff.cell().value++;
        return;
      case "policy":
        return onPolicy(event);
      case "kept":
        return onKept(event);
      case "mx":
        return onMx(event);
      case "answer":
        return onAnswer(event);
    }
  };
}

function declareCounters({ metrics, failures }: ObserverOptions) {
  const txtLookups = metrics.counter(
    "mta_sts_txt_lookups_total",
    "TXT lookups of _mta-sts names by result.",
    ["result"],
  );
  const fetchFailures = metrics.counter(
    "mta_sts_fetch_failures_total",
    "Policies that could not be had, by reason and TLSRPT result type (RFC 8460 §4.3).",
    ["reason", "tlsrpt"],
  );
  const policyChanges = metrics.counter(
    "mta_sts_policy_changes_total",
    "Policies that took effect, by what they changed.",
    ["change"],
  );
  const policiesKept = metrics.counter(
    "mta_sts_policies_kept_total",
    "Checks after which a cached policy stayed in use because no newer one could be had, by reason.",
    ["reason"],
  );
  const policiesOverdue = metrics.counter(
    "mta_sts_policies_overdue_total",
    "Checks after which a policy is a day overdue for its regular fetch, or about to expire without one.",
  );
  const fetchesHeldOff = metrics.counter(
    "mta_sts_fetches_held_off_total",
    "Fetches not made because the same policy id failed shortly before.",
  );
  const mxLookups = metrics.counter(
    "mta_sts_mx_lookups_total",
    "Lookups of MX hosts and their DANE records by result.",
    ["result"],
  );
  const deferrals = metrics.counter(
    "mta_sts_deferrals_total",
    "Decisions that make Postfix defer, by cause.",
    ["cause"],
  );
  const decisions = metrics.counter(
    "mta_sts_decisions_total",
    "Answers that were worked out, by row of the decision table.",
    ["row"],
  );
  for (const word of [...TXT_RESULTS, ...failures.dns]) txtLookups.cell(word);
  for (const reason of failures.fetch) fetchFailures.cell(reason, tlsrptResult(reason));
  for (const change of POLICY_CHANGES) policyChanges.cell(change);
  for (const word of [...DANE_STATES, ...failures.dns]) mxLookups.cell(word);
  for (const cause of DEFERRAL_CAUSES) deferrals.cell(cause);
  return {
    txtLookups,
    fetchFailures,
    policyChanges,
    policiesKept,
    policiesOverdue,
    fetchesHeldOff,
    mxLookups,
    deferrals,
    decisions,
  };
}

/** From the strongest to the weakest. */
const STRENGTH = { enforce: 2, testing: 1, none: 0 };

function changeOf(held: HeldPolicy, previous: HeldPolicy | undefined) {
  if (previous === undefined) return "new";
  if (STRENGTH[held.policy.mode] < STRENGTH[previous.policy.mode]) return "downgraded";
  return held.text === previous.text && held.id === previous.id ? "refreshed" : "changed";
}

function deferralCause(row: number, answer: EventOf<"answer">["answer"]): string | undefined {
  if (answer.kind === "secure") return answer.hosts?.length === 0 ? "mx-mismatch" : undefined;
  if (answer.kind !== "temp") return undefined;
  return row === 10 ? "dns-failure" : row === 11 ? "deadline" : "dane-unknown";
}
