/**
 * The findings of a check. Each is of one of a closed list of kinds. A kind has a severity, the reason why
 * it matters with the section of the RFC, and the advice what to do.
 *
 * Tests compare the manual and the JSON Schema with the list. The code that makes a finding adds what was
 * seen, with remote text quoted.
 *
 * @module
 */

import { type FindingKind, SEVERITIES, type Severity } from "./finding_kind.ts";
import { HOST_KINDS } from "./kinds_host.ts";
import { MAIL_KINDS } from "./kinds_mail.ts";
import { POLICY_KINDS } from "./kinds_policy.ts";
import { RECORD_KINDS } from "./kinds_records.ts";
import { TLS_KINDS } from "./kinds_tls.ts";

/** All kinds by their name, in the order of the manual. */
export const FINDING_KINDS = {
  ...RECORD_KINDS,
  ...HOST_KINDS,
  ...TLS_KINDS,
  ...POLICY_KINDS,
  ...MAIL_KINDS,
} as const;

/** The name of a kind of finding. */
export type FindingId = keyof typeof FINDING_KINDS;

/** The parts of a report, in order, with their headings. */
export const GROUPS = {
  txt: "TXT record",
  host: "Policy host",
  policy: "Policy",
  mx: "MX hosts",
  tlsrpt: "TLS reports",
  dane: "DNSSEC and DANE",
} as const;

/** A part of a report. */
export type Group = keyof typeof GROUPS;

/** One finding. All text is printable ASCII. */
export interface Finding extends FindingKind {
  readonly id: FindingId;
  readonly group: Group;
  /** What was checked: a name, a host with its address, a line of the policy. */
  readonly subject: string;
  /** What was seen there. */
  readonly seen: string;
}

/**
 * Makes a finding.
 *
 * @param id Its kind.
 * @param at Its place and what was seen. Remote text must be quoted already.
 */
export function finding(id: FindingId, at: Pick<Finding, "group" | "subject" | "seen">): Finding {
  const { group, subject, seen } = at;
  return { id, ...FINDING_KINDS[id], group, subject, seen };
}

/** The gravest severity among findings; `ok` when there are none. */
export function worst(findings: readonly Pick<Finding, "severity">[]): Severity {
  return SEVERITIES.findLast((severity) => findings.some((one) => one.severity === severity)) ??
    "ok";
}
