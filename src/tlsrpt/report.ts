/**
 * One report as data (RFC 8460 §4), before it is written: the sessions of one UTC day to one domain.
 *
 * All text is printable ASCII and bounded; who makes a report sees to that.
 *
 * @module
 */

import type { ResultType } from "./result_type.ts";

/** The kind of policy that applied to sessions; `no-policy-found` if none did (RFC 8460 §4.2). */
export type PolicyType = "sts" | "tlsa" | "no-policy-found";

/** A failure of sessions, or of a policy itself (RFC 8460 §4.3 and §4.4). */
export interface FailureDetail {
  /** What failed. */
  readonly result: ResultType;
  /** How many sessions it met. Details may overlap, so they need not add up to the summary (§4). */
  readonly count: number;
  /** Our own address. */
  readonly sendingIp?: string;
  /** The MX host as found in DNS. */
  readonly mxHost?: string;
  /** The name that the MX host gave in its reply to EHLO. */
  readonly mxHelo?: string;
  /** The address of the MX host. */
  readonly receivingIp?: string;
  /** A URI with more on the failure. */
  readonly additional?: string;
  /** A word or short text that narrows `result`. */
  readonly reason?: string;
}

/** What became of the sessions under one policy. */
export interface ReportPolicy {
  /** The kind of policy. */
  readonly type: PolicyType;
  /** The domain of the policy: for `tlsa` the TLSA base domain, else the recipients' domain. A-labels. */
  readonly domain: string;
  /** The policy as published: lines of an STS policy, TLSA records, or nothing (§4.5). */
  readonly strings: readonly string[];
  /** Patterns of the MX hosts of an STS policy. */
  readonly mxHosts: readonly string[];
  /** Sessions that the policy was fulfilled in. */
  readonly successful: number;
  /** Sessions that failed, or never began because of the policy. */
  readonly failed: number;
  /** Why they failed. */
  readonly details: readonly FailureDetail[];
}

/** One report. */
export interface Report {
  /** Who reports. */
  readonly organization: string;
  /** A mail address of who reports. Its domain is the submitter. */
  readonly contact: string;
  /** Identifies the report; the same for each repetition. A dot-atom of at most 64 characters. */
  readonly reportId: string;
  /** First second of the UTC day, ms since the epoch. */
  readonly begin: number;
  /** Last second of the UTC day, ms since the epoch. */
  readonly end: number;
  /** The domain that the report is for. A-labels, lower case. */
  readonly domain: string;
  /** What applied to the sessions, in a fixed order. */
  readonly policies: readonly ReportPolicy[];
}
