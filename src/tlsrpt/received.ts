/**
 * A received report as data: the one normal form that all dialects of RFC 8460 §4 become.
 *
 * Texts are well-formed Unicode of bounded length, but written by strangers: quote them before they are printed.
 * Names of domains and hosts are lower-case A-labels where they are names at all, else printable ASCII.
 *
 * @module
 */

import type { FailureDetail, PolicyType, ReportPolicy } from "./report.ts";
import type { ResultType } from "./result_type.ts";

/** A failure as a sender reports it. */
export interface ReceivedDetail extends Omit<FailureDetail, "result"> {
  /** What failed; `unknown` if the sender has a word of its own. */
  readonly result: ResultType | "unknown";
  /** The word of the sender, if `result` is `unknown`. */
  readonly written?: string;
}

/** What became of the sessions under one policy, as a sender saw it. */
export interface ReceivedPolicy extends Omit<ReportPolicy, "type" | "domain" | "details"> {
  /** The kind of policy; `unknown` if the sender has a word of its own or none. */
  readonly type: PolicyType | "unknown";
  /** The domain of the policy; `undefined` if the report does not say it. */
  readonly domain: string | undefined;
  /** What failed, in the order of the report. */
  readonly details: readonly ReceivedDetail[];
}

/** The time that a report is about, ms since the epoch, as the sender says it. */
export interface ReceivedRange {
  /** The first moment. */
  readonly begin: number;
  /** The last moment; some senders write the first moment of the next day. */
  readonly end: number;
}

/** One received report. */
export interface ReceivedReport {
  /** Who reports; `undefined` if the report does not say it. */
  readonly organization: string | undefined;
  /** A mail address of who reports. */
  readonly contact: string | undefined;
  /** Identifies the report. */
  readonly reportId: string | undefined;
  /** Absent if the report has no range that can be read. */
  readonly range: ReceivedRange | undefined;
  /** What applied to the sessions, in the order of the report. */
  readonly policies: readonly ReceivedPolicy[];
}
