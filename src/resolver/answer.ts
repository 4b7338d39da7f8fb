/**
 * The answer for a policy that is enforced, given what is known of the MX hosts; and the one without a policy.
 *
 * | MX RRset | TLSA at the hosts | Answer |
 * | --- | --- | --- |
 * | secure | usable at one or more | `dane-only`: DANE is never overridden (RFC 8461 §2) |
 * | secure | proven absent, or only unusable | `secure` |
 * | secure | may exist, at a service whose port is not known here | `TEMP` with the reason |
 * | insecure | whatever | `secure`: DANE cannot protect unsigned MX names, the policy does |
 * | – | lookup failed, nothing known from before | `TEMP` with the reason |
 * | – | resolver does not validate, or `dane: off` | `secure` |
 * | – | `dane: require`, and the resolver is not known to validate | `TEMP` with the reason |
 *
 * `secure` lists host names. If they exceed the zone's bound it lists the patterns of the policy, and if these exceed it
 * the answer is `TEMP`: a list that the mail server cannot take in may leave the mail without protection.
 *
 * TLSA records that were seen count for a day, even if the DNS resolver no longer validates. A host that
 * was skipped, because its addresses could not be looked up, may have DANE: `secure` does not name it.
 *
 * @module
 */

import { formatMatchList, matchingHosts } from "../sts/mx_pattern.ts";
import type { UnheldOutcome } from "./outcome.ts";
import type { Answer, HeldPolicy, MxResult, NextHop, TempCause, Zone } from "./types.ts";

type SecureAnswer = Extract<Answer, { kind: "secure" }>;

/** The answer where no policy binds. */
export const NOTFOUND: Answer = { kind: "notfound" };

/**
 * Builds the answer.
 *
 * @param query The next hop, its zone and the policy held.
 * @param facts The MX view, and whether the DNS resolver validates (`undefined`: not known yet).
 * @returns `secure` with the MX hosts that match the policy (RFC 8461 §4.1), `dane-only`, or `temp`.
 */
export function enforcedAnswer(
  { held, zone, nextHop }: { held: HeldPolicy; zone: Zone; nextHop: NextHop },
  { mx, validates }: { mx: MxResult; validates: boolean | undefined },
): Answer {
  const { domain } = nextHop;
  const { dane } = zone;
  if (dane === "require" && validates !== true) {
    return temp(domain, ...NOT_VALIDATING[`${validates}`]);
  }
  const view = mx.kind === "known" ? mx.view : undefined;
  if (dane !== "off" && view?.dane === "usable") return { kind: "dane-only" };
  const daneCounts = dane !== "off" && validates !== false;
  if (daneCounts && mx.kind === "failed") {
    return temp(domain, "dane-dns", `DNS ${mx.reason}`);
  }
  if (daneCounts && view?.dane === "unknown-port") {
    return temp(domain, "dane-port", UNKNOWN_PORT);
  }

  const patterns = held.policy.mx;
  const matching = view?.hosts && matchingHosts(patterns, view.hosts);
  const hosts = matching?.filter((host) => !daneCounts || !view?.skipped.includes(host));
  const isPart = hosts?.length !== matching?.length;
  if (isPart && hosts?.length === 0) {
    return temp(
      domain,
      "mx-addresses",
      "no address of an MX host in its policy can be looked up",
    );
  }
  const secure: SecureAnswer = {
    kind: "secure",
    domain,
    // Postfix 3.10.5 matches the patterns, which would admit the host that was left out.
    patterns: isPart ? hosts ?? patterns : patterns,
    hosts,
    policyStrings: held.strings,
  };
  return zone.matchLimit === undefined ? secure : withinLimit(secure, zone.matchLimit);
}

/** Chooses what to list, so that the list has at most `limit` octets. */
function withinLimit(secure: SecureAnswer, limit: number): Answer {
  const { domain, hosts, patterns } = secure;
  const fits = (names: readonly string[]) => formatMatchList(names).length <= limit;
  if (hosts !== undefined && fits(hosts)) return secure;
  if (fits(patterns)) return { ...secure, listsPatterns: hosts !== undefined };
  return {
    kind: "temp",
    cause: "match-limit",
    reason: `the names in the MTA-STS policy of ${domain} exceed match_limit, ${limit} octets`,
  };
}

/**
 * Builds the answer without a policy.
 *
 * @param query The policy domain and its zone.
 * @param facts How it came to that, and why the store could not be read, if so.
 * @returns `notfound`; `temp` if it is not known whether there is a policy and the zone defers.
 */
export function unheldAnswer(
  { domain, zone }: { domain: string; zone: Zone },
  { outcome, storeFault }: { outcome: UnheldOutcome; storeFault: string | undefined },
): Answer {
  const undecided = zone.onDnsFailure === "defer" ? whyUndecided(outcome, storeFault) : undefined;
  return undecided === undefined ? NOTFOUND : {
    kind: "temp",
    reason: `cannot learn the MTA-STS policy of ${domain}: ${undecided.why}`,
    cause: undecided.cause,
  };
}

/** Why it is not known whether there is a policy, for a `TEMP` reply; `undefined` if it is known. */
function whyUndecided(
  outcome: UnheldOutcome,
  storeFault = "",
): { readonly cause: TempCause; readonly why: string } | undefined {
  switch (outcome) {
    case "dns-failure":
      return { cause: outcome, why: "DNS failure" };
    case "deadline":
      return { cause: outcome, why: "no answer in time" };
    case "cache-unusable":
      return { cause: outcome, why: storeFault };
    case "fetch-failed":
    case "no-record":
      return undefined;
  }
}

/** Why `dane: require` cannot be met, by what is known of the DNS resolver. */
const NOT_VALIDATING: Readonly<Record<"false" | "undefined", readonly [TempCause, string]>> = {
  false: ["dane-not-validating", "the resolver does not validate DNSSEC"],
  undefined: [
    "dane-validation-unknown",
    "it is not known yet whether the resolver validates DNSSEC",
  ],
};

const UNKNOWN_PORT = "the port of its service is not known, give it as a number";

function temp(domain: string, cause: TempCause, reason: string): Answer {
  return { kind: "temp", reason: `cannot check ${domain} for DANE: ${reason}`, cause };
}
