/**
 * Turns the events of the resolver into log lines, counters and warnings. Each event has one
 * definition here, so that a reason reads the same in the log, the metrics and a reply.
 *
 * @module
 */

import { tlsrptResult } from "../tlsrpt/result_type.ts";
import type { Outcome } from "../resolver/outcome.ts";
import type { Answer, HeldPolicy, ResolverEvent } from "../resolver/types.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";
import { declareCounters, startAtZero } from "./observer_counters.ts";
import type { Counters, DeferralCause, KnownFailures } from "./observer_counters.ts";

/** The postmaster hears of a policy that was not fetched for this much longer than the refresh interval, ms. */
const REFRESH_GRACE_MS = 24 * 3600 * 1000;

/** He hears of a policy with a short `max_age` when this share of it is over: the regular fetch comes well before. */
const REFRESH_SHARE = 0.75;

/** Names of a list in a warning: a domain may have thousands, and the first few show what is wrong. */
const MAX_NAMES = 5;

/** What {@link createObserver} needs. */
export interface ObserverOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  /** Current time, ms. */
  readonly now: () => number;
  /** The refresh interval, ms. */
  readonly refreshInterval: number;
  /** All failures there are. */
  readonly failures: KnownFailures;
}

type EventOf<K extends ResolverEvent["kind"]> = Extract<ResolverEvent, { kind: K }>;

/** What an event is written with. */
interface Tools extends ObserverOptions {
  readonly counters: Counters;
}

/** Creates the observer of a resolver. */
export function createObserver(options: ObserverOptions): (event: ResolverEvent) => void {
  const counters = declareCounters(options.metrics);
  startAtZero(counters, options.failures);
  const tools: Tools = { ...options, counters };
  return (event: ResolverEvent): void => {
    switch (event.kind) {
      case "txt":
        return onTxt(tools, event);
      case "fetch":
        return onFetch(tools, event);
      case "held-off":
        tools.counters.fetchesHeldOff.cell().value++;
        return;
      case "policy":
        return onPolicy(tools, event);
      case "shared":
        return onShared(tools, event);
      case "purged":
        return tools.log.info("purged at another host", { domain: event.domain });
      case "kept":
        return onKept(tools, event);
      case "mx":
        return onMx(tools, event);
      case "answer":
        return onAnswer(tools, event);
    }
  };
}

function onTxt({ log, warnings, counters }: Tools, { domain, result, ms }: EventOf<"txt">): void {
  const word = result.kind === "found" ? "found" : result.reason;
  counters.txtLookups.cell(word).value++;
  const detail = result.kind === "found" ? undefined : result.detail;
  log.debug("txt record looked up", { domain, result: word, detail, ms: Math.round(ms) });
  // A failure does not mean "no policy", so the log shows it.
  if (result.kind === "failed") {
    warnings.warn(`${domain} txt ${word}`, "txt lookup failed", { domain, reason: word, detail });
  }
}

function onFetch(
  { log, warnings, counters }: Tools,
  { domain, id, result, ms }: EventOf<"fetch">,
): void {
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

function onPolicy({ log, warnings, counters }: Tools, { held, previous }: EventOf<"policy">): void {
  const change = changeOf(held, previous);
  counters.policyChanges.cell(change).value++;
  const fields = fieldsOf(held);
  if (change === "downgraded") {
    const from = previous?.policy.mode;
    warnings.warn(`${held.domain} downgraded`, "policy downgraded", { ...fields, from });
  } else if (change === "refreshed") log.debug("policy refreshed", fields);
  else log.info(change === "new" ? "policy found" : "policy changed", fields);
}

/** A fetch that another host made. The log names that host: it may be the one that is wrong. */
function onShared(
  { log, warnings, counters }: Tools,
  { held, previous, host, isSigned }: EventOf<"shared">,
): void {
  const change = changeOf(held, previous);
  counters.policiesShared.cell(change).value++;
  const fields = { ...fieldsOf(held), host, signed: isSigned };
  if (change === "downgraded") {
    const from = previous?.policy.mode;
    warnings.warn(`${held.domain} downgraded`, "policy of the fleet downgraded", {
      ...fields,
      from,
    });
  } else if (change === "refreshed") log.debug("policy of the fleet refreshed", fields);
  else {log.info(
      change === "new" ? "policy of the fleet found" : "policy of the fleet changed",
      fields,
    );}
}

function fieldsOf({ domain, id, policy }: HeldPolicy) {
  const { mode, maxAge, mx } = policy;
  return { domain, id, mode, max_age: maxAge, mx: mx.join(" ") };
}

function onKept(
  { log, warnings, counters, now, refreshInterval }: Tools,
  { held, outcome, reason }: EventOf<"kept">,
): void {
  counters.policiesKept.cell(reason).value++;
  const age = now() - held.fetchedAt;
  const expires = new Date(held.expiresAt).toISOString();
  const fields = { domain: held.domain, reason, outcome, expires };
  // RFC 8461 §8.3, §10.2: a withdrawn policy of mode none may vanish without a word.
  if (held.policy.mode === "none") log.debug("policy kept", fields);
  else if (
    age > refreshInterval + REFRESH_GRACE_MS ||
    age > held.policy.maxAge * 1000 * REFRESH_SHARE
  ) {
    counters.policiesOverdue.cell().value++;
    const hours = Math.floor(age / 3_600_000);
    warnings.warn(`${held.domain} overdue`, "policy not refreshed", { ...fields, hours });
  } else warnings.warn(`${held.domain} kept ${reason}`, "policy kept", fields);
}

function onMx({ log, warnings, counters }: Tools, { nextHop, result, ms }: EventOf<"mx">): void {
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

function onAnswer(
  { warnings, counters }: Tools,
  { domain, outcome, answer, mxHosts = [], storeFault }: EventOf<"answer">,
): void {
  counters.decisions.cell(outcome).value++;
  const cause = deferralCause(outcome, answer);
  if (cause !== undefined) counters.deferrals.cell(cause).value++;
  if (cause === "mx-mismatch") {
    warnings.warn(`${domain} ${cause}`, "no mx host matches the policy", {
      domain,
      hosts: formatNames(mxHosts),
      patterns: answer.kind === "secure" ? formatNames(answer.patterns) : undefined,
    });
  } else if (answer.kind === "temp") {
    warnings.warn(`${domain} ${cause}`, "deferred", { domain, reason: answer.reason });
  }
  // One line an hour for all domains: they have the cause in common.
  if (storeFault !== undefined) {
    warnings.warn("answered without the cache", "answered without the cache", {
      domain,
      reason: storeFault,
    });
  }
}

/** The first names of a list, and how many more there are; `none` for an empty one. */
function formatNames(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, MAX_NAMES).join(" ");
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}

/** From the strongest to the weakest. */
const STRENGTH = { enforce: 2, testing: 1, none: 0 };

function changeOf(held: HeldPolicy, previous: HeldPolicy | undefined) {
  if (previous === undefined) return "new";
  if (STRENGTH[held.policy.mode] < STRENGTH[previous.policy.mode]) return "downgraded";
  return held.text === previous.text && held.id === previous.id ? "refreshed" : "changed";
}

function deferralCause(outcome: Outcome, answer: Answer): DeferralCause | undefined {
  if (answer.kind === "secure") return answer.hosts?.length === 0 ? "mx-mismatch" : undefined;
  if (answer.kind !== "temp") return undefined;
  if (answer.cause === "match-limit") return answer.cause;
  switch (outcome) {
    case "dns-failure":
    case "deadline":
    case "cache-unusable":
      return outcome;
    default:
      return "dane-unknown";
  }
}
