/**
 * What a check can find: a closed list of named findings, each with one severity, the reason why
 * it matters with the section of the RFC, and what to do about it.
 *
 * The texts stand in tables by subject; the manual and the JSON Schema are checked against
 * them. What was seen is added where the finding is made, with remote text quoted.
 *
 * @module
 */

import { HOST_FINDINGS } from "./findings_host.ts";
import { MAIL_FINDINGS } from "./findings_mail.ts";
import { POLICY_FINDINGS } from "./findings_policy.ts";
import { RECORD_FINDINGS } from "./findings_records.ts";
import { TLS_FINDINGS } from "./findings_tls.ts";

/**
 * - `ok`: looked at and right.
 * - `info`: worth knowing, nothing to do.
 * - `warning`: works today, or with most senders, or leaves the owner blind.
 * - `error`: protection is missing, or mail under the policy is not delivered.
 */
export type Severity = "ok" | "info" | "warning" | "error";

/** From harmless to grave. */
export const SEVERITIES: readonly Severity[] = ["ok", "info", "warning", "error"];

/** What a kind of finding means, whatever was seen. */
export interface FindingKind {
  readonly severity: Severity;
  /** A few words that name it. */
  readonly title: string;
  /** A sentence or two, with the section of the RFC. */
  readonly why: string;
  /** What to do; empty where there is nothing to do. */
  readonly fix: string;
}

/** All kinds by their name, in the order of the manual. */
export const FINDINGS = {
  ...RECORD_FINDINGS,
  ...HOST_FINDINGS,
  ...TLS_FINDINGS,
  ...POLICY_FINDINGS,
  ...MAIL_FINDINGS,
} as const;

/** The name of a kind of finding. */
export type FindingId = keyof typeof FINDINGS;

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

/** Something that was found. All text is printable ASCII. */
export interface Finding extends FindingKind {
  readonly id: FindingId;
  readonly group: Group;
  /** What was looked at: a name, a host with its address, a line of the policy. */
  readonly subject: string;
  /** What was there. */
  readonly seen: string;
}

/**
 * Makes a finding.
 *
 * @param id Its kind.
 * @param at Where it belongs and what was seen; text that someone else wrote must be quoted already.
 */
export function finding(id: FindingId, at: Pick<Finding, "group" | "subject" | "seen">): Finding {
  const { group, subject, seen } = at;
  return { id, ...FINDINGS[id], group, subject, seen };
}

/** The gravest severity among findings; `ok` when there are none. */
export function worst(findings: readonly Pick<Finding, "severity">[]): Severity {
  return SEVERITIES.findLast((severity) => findings.some((one) => one.severity === severity)) ??
    "ok";
}
