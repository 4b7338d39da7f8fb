/**
 * What is counted for TLS reports: sessions and failures of one domain under its policies (RFC 8460 §4).
 *
 * The collector makes these of Postfix's datagrams and of what `serve` tells; the store adds them up.
 *
 * @module
 */

import type { FailureDetail, PolicyType } from "./report.ts";

/** A policy that applied to sessions. Text is printable ASCII. */
export interface SessionPolicy {
  /** The kind of policy. */
  readonly type: PolicyType;
  /** As in `ReportPolicy.domain`. */
  readonly domain: string;
  /** As in `ReportPolicy.strings`. */
  readonly strings: readonly string[];
  /** As in `ReportPolicy.mxHosts`. */
  readonly mxHosts: readonly string[];
}

/** What became of sessions under one policy. */
export interface PolicyCount {
  /** The policy. */
  readonly policy: SessionPolicy;
  /** Sessions that succeeded. */
  readonly ok: number;
  /** Sessions that failed. */
  readonly failed: number;
  /** Why; each with how often. */
  readonly details: readonly FailureDetail[];
}

/** What happened with one domain. */
export interface DomainCount {
  /** The recipients' domain: lower-case A-labels, without a final dot. */
  readonly domain: string;
  /** The TLSRPT record that was seen; `undefined` if none was looked at. */
  readonly record: string | undefined;
  /** One or more. */
  readonly policies: readonly PolicyCount[];
}
