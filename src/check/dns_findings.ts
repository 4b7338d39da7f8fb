/**
 * What a failed lookup means, wherever it happened.
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

/** Failures that are told apart from a name server that does not do its duty. */
const FAILURES: Partial<Record<DnsFailure, FindingId>> = {
  bogus: "dns-bogus",
  unreachable: "dns-unreachable",
};

/** The finding about a lookup that failed; none if it did not. */
export function dnsFindings(answer: DnsAnswer<unknown>, lookup: Lookup): Finding[] {
  if (answer.kind !== "failed") return [];
  const { group, name, type } = lookup;
  const id = FAILURES[answer.reason] ?? "dns-failed";
  const seen = `${answer.reason} for ${type}: ${answer.detail}`;
  return [finding(id, { group, subject: name, seen })];
}

/** The findings about the lookups of a host's addresses; one if both failed alike. */
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

/** Whether nobody answered, so that nothing can be said: the fault may be on our side. */
export function isUnanswered(answer: DnsAnswer<unknown>): boolean {
  return answer.kind === "failed" &&
    (answer.reason === "unreachable" || answer.reason === "timeout");
}

/** Why there is no record, in words. */
export function absence(answer: DnsAnswer<unknown>, type: string): string {
  return answer.kind === "nxdomain" ? "the name does not exist" : `the name has no ${type} record`;
}
