/**
 * The findings about failed lookups, shared by all parts of a report.
 *
 * @module
 */

import type { DnsAnswer, DnsFailure } from "../dns/types.ts";
import { type Finding, finding, type FindingId, type Group } from "./finding.ts";

/** A lookup whose answer is judged. */
export interface Lookup {
  readonly group: Group;
  readonly name: string;
  readonly type: string;
}

/** Failures with their own kind of finding. Any other is a fault of a name server. */
const FAILURES: Partial<Record<DnsFailure, FindingId>> = {
  bogus: "dns-bogus",
  unreachable: "dns-unreachable",
};

/** The finding about a failed lookup; none if the lookup succeeded. */
export function dnsFindings(answer: DnsAnswer<unknown>, lookup: Lookup): Finding[] {
  if (answer.kind !== "failed") return [];
  const { group, name, type } = lookup;
  const id = FAILURES[answer.reason] ?? "dns-failed";
  const seen = `${answer.reason} for ${type}: ${answer.detail}`;
  return [finding(id, { group, subject: name, seen })];
}

/** The findings about the address lookups of a host; one if both failed for the same reason. */
export function addressFindings(
  host: { readonly name: string; readonly v4: DnsAnswer<string>; readonly v6: DnsAnswer<string> },
  group: Group,
): Finding[] {
  const { name, v4, v6 } = host;
  const alike = v4.kind === "failed" && v6.kind === "failed" && v4.reason === v6.reason;
  return [
    ...dnsFindings(v4, { group, name, type: alike ? "A and AAAA" : "A" }),
    ...(alike ? [] : dnsFindings(v6, { group, name, type: "AAAA" })),
  ];
}

/** Whether no DNS resolver answered. The fault may be on our side. */
export function isUnanswered(answer: DnsAnswer<unknown>): boolean {
  return answer.kind === "failed" &&
    (answer.reason === "unreachable" || answer.reason === "timeout");
}

/** Why there is no record, in words. */
export function absence(answer: DnsAnswer<unknown>, type: string): string {
  return answer.kind === "nxdomain" ? "the name does not exist" : `the name has no ${type} record`;
}
