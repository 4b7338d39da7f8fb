/**
 * A report in words, for the person who opens the mail before the file in it.
 *
 * @module
 */

import { plainText } from "../tlsrpt/plain_text.ts";
import type { FailureDetail, PolicyType, Report, ReportPolicy } from "../tlsrpt/report.ts";
import type { ResultType } from "../tlsrpt/result_type.ts";

/** Failures of a policy that are listed; the file has all. */
const DETAILS_MAX = 20;

/** Policies that are listed. */
const POLICIES_MAX = 20;

/** Characters of a line about where a failure was. */
const PLACE_MAX_CHARS = 900;

const POLICIES: Readonly<Record<PolicyType, string>> = {
  sts: "MTA-STS policy of",
  tlsa: "DANE TLSA records of",
  "no-policy-found": "no policy for",
};

const RESULTS: Readonly<Record<ResultType, string>> = {
  "starttls-not-supported": "The MX host did not offer STARTTLS.",
  "certificate-host-mismatch": "The certificate is not valid for the name of the MX host.",
  "certificate-expired": "The certificate of the MX host has expired.",
  "certificate-not-trusted": "The certificate of the MX host is not from a trusted authority.",
  "validation-failure": "TLS failed for another reason, or the MX host is not in the policy.",
  "tlsa-invalid": "The TLSA records cannot be used, or the certificate does not match them.",
  "dnssec-invalid": "DNSSEC validation failed.",
  "dane-required": "DANE was required, but there are no valid TLSA records.",
  "sts-policy-fetch-error": "The MTA-STS policy could not be fetched.",
  "sts-policy-invalid": "The MTA-STS policy has mistakes.",
  "sts-webpki-invalid": "The certificate of the host of the MTA-STS policy is not valid.",
};

/**
 * Writes the text. No line begins with two hyphens.
 *
 * @returns Lines that end in LF.
 */
export function writeReportText(report: Report): string {
  const { organization, contact, domain, begin, policies } = report;
  const sum = (of: (policy: ReportPolicy) => number) =>
    policies.reduce((total, policy) => total + of(policy), 0);
  const lines = [
    `TLS report (RFC 8460) on mail to ${domain}`,
    "",
    `Day:      ${new Date(begin).toISOString().slice(0, "2026-11-27".length)} (UTC)`,
    `Sessions: ${counts(sum((each) => each.successful), sum((each) => each.failed))}`,
    `From:     ${organization}, ${contact}`,
  ];
  for (const policy of policies.slice(0, POLICIES_MAX)) lines.push("", ...describe(policy));
  if (policies.length > POLICIES_MAX) {
    lines.push("", `And ${policies.length - POLICIES_MAX} more policies.`);
  }
  return [...lines, "", "The attached file has all of this as JSON (gzip).", ""].join("\n");
}

function describe({ type, domain, successful, failed, details }: ReportPolicy): string[] {
  const lines = [`${POLICIES[type]} ${domain}: ${counts(successful, failed)}`];
  for (const detail of details.slice(0, DETAILS_MAX)) {
    lines.push(`  ${detail.count} x ${RESULTS[detail.result]}`);
    const where = describePlace(detail);
    if (where !== "") lines.push(`      ${plainText(where, PLACE_MAX_CHARS)}`);
  }
  if (details.length > DETAILS_MAX) {
    lines.push(`  And ${details.length - DETAILS_MAX} more kinds of failure.`);
  }
  return lines;
}

function describePlace({ mxHost, receivingIp, reason }: FailureDetail): string {
  const parts = [
    mxHost === undefined ? undefined : `MX host ${mxHost}`,
    receivingIp === undefined ? undefined : `address ${receivingIp}`,
    reason === undefined ? undefined : `reason "${reason}"`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function counts(ok: number, failed: number): string {
  return `${ok} succeeded, ${failed} failed`;
}
