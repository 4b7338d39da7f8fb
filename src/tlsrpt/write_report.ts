/**
 * Writes a report as JSON (RFC 8460 §4.4, I-JSON of RFC 7493).
 *
 * Receivers differ in what they insist on. So every key of the RFC is there, arrays are arrays even if they are
 * empty, both counts are given, and times have a `Z`. Optional details are left out when they are not known.
 *
 * @module
 */

import type { FailureDetail, Report, ReportPolicy } from "./report.ts";

/**
 * Writes a report. The same report gives the same octets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const begin = Date.UTC(2026, 10, 27);
 * const text = writeReport({
 *   organization: "Example",
 *   contact: "tls@example.com",
 *   reportId: "20261127.0123456789abcdef",
 *   begin,
 *   end: begin + 86_399_000,
 *   domain: "example.net",
 *   policies: [],
 * });
 * assertEquals(JSON.parse(text)["date-range"]["end-datetime"], "2026-11-27T23:59:59Z");
 * ```
 * @returns JSON text of one line. Never throws for a report with valid times.
 */
export function writeReport(report: Report): string {
  return JSON.stringify({
    "organization-name": text(report.organization),
    "date-range": {
      "start-datetime": formatTime(report.begin),
      "end-datetime": formatTime(report.end),
    },
    "contact-info": text(report.contact),
    "report-id": text(report.reportId),
    policies: report.policies.map(policyOf),
  });
}

function policyOf(policy: ReportPolicy) {
  return {
    policy: {
      "policy-type": policy.type,
      "policy-string": policy.strings.map(text),
      "policy-domain": text(policy.domain),
      // The RFC's example has one string, its text an array (erratum 6241). Readers take the array.
      "mx-host": policy.mxHosts.map(text),
    },
    summary: {
      "total-successful-session-count": count(policy.successful),
      "total-failure-session-count": count(policy.failed),
    },
    "failure-details": policy.details.map(detailOf),
  };
}

function detailOf(detail: FailureDetail) {
  return {
    "result-type": detail.result,
    "sending-mta-ip": optional(detail.sendingIp),
    "receiving-mx-hostname": optional(detail.mxHost),
    "receiving-mx-helo": optional(detail.mxHelo),
    "receiving-ip": optional(detail.receivingIp),
    "failed-session-count": count(detail.count),
    "additional-information": optional(detail.additional),
    "failure-reason-code": optional(detail.reason),
  };
}

/** RFC 3339 in UTC, whole seconds. */
function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, "2026-11-27T00:00:00".length)}Z`;
}

/** I-JSON has no lone surrogates (RFC 7493 §2.1). */
function text(value: string): string {
  return value.toWellFormed();
}

function optional(value: string | undefined): string | undefined {
  return value === undefined ? undefined : text(value);
}

/** I-JSON has no integers that a double cannot hold (RFC 7493 §2.2). */
function count(value: number): number {
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}
