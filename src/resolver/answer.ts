/**
 * The answer for a policy that is enforced, given what is known of the MX hosts.
 *
 * | MX RRset | TLSA at the hosts | Answer |
 * | --- | --- | --- |
 * | secure | usable at one or more | `dane-only`: DANE is never overridden (RFC 8461 §2) |
 * | secure | proven absent, or only unusable | `secure` |
 * | insecure | whatever | `secure`: DANE cannot protect unsigned MX names, the policy does |
 * | – | lookup failed, nothing known from before | `TEMP` with the reason |
 * | – | resolver does not validate, or `dane: off` | `secure` |
 *
 * @module
 */

import { matchingHosts } from "../sts/mx_pattern.ts";
import { policyStrings } from "../sts/policy.ts";
import type { Answer, HeldPolicy, MxResult, NextHop, Zone } from "./types.ts";

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
  const daneCounts = zone.dane === "require" || (zone.dane === "auto" && validates !== false);
  if (daneCounts && validates === false) {
    return temp(domain, "the resolver does not validate DNSSEC");
  }
  if (daneCounts && mx.kind === "failed") return temp(domain, `DNS ${mx.reason}`);
  if (daneCounts && mx.kind === "known" && mx.view.dane === "usable") return { kind: "dane-only" };

  const patterns = held.policy.mx;
  const hosts = mx.kind === "known" ? mx.view.hosts : undefined;
  return {
    kind: "secure",
    domain,
    patterns,
    hosts: hosts && matchingHosts(patterns, hosts),
    policyStrings: policyStrings(held.text),
  };
}

function temp(domain: string, reason: string): Answer {
  return { kind: "temp", reason: `cannot check ${domain} for DANE: ${reason}` };
}
