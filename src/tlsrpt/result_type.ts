/**
 * The words of TLS reports for what failed (RFC 8460 §4.3).
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";

/** What failed (RFC 8460 §4.3). The list is closed. */
export type ResultType =
  // Negotiation, §4.3.1
  | "starttls-not-supported"
  | "certificate-host-mismatch"
  | "certificate-expired"
  | "certificate-not-trusted"
  | "validation-failure"
  // DANE, §4.3.2.1
  | "tlsa-invalid"
  | "dnssec-invalid"
  | "dane-required"
  // MTA-STS, §4.3.2.2
  | "sts-policy-fetch-error"
  | "sts-policy-invalid"
  | "sts-webpki-invalid";

/** All result types, in the order of the RFC. */
export const RESULT_TYPES: readonly ResultType[] = [
  "starttls-not-supported",
  "certificate-host-mismatch",
  "certificate-expired",
  "certificate-not-trusted",
  "validation-failure",
  "tlsa-invalid",
  "dnssec-invalid",
  "dane-required",
  "sts-policy-fetch-error",
  "sts-policy-invalid",
  "sts-webpki-invalid",
];

/** The result type of a failed policy fetch (RFC 8460 §4.3.2.2). */
export function tlsrptResult(
  reason: FetchFailure,
): "sts-policy-fetch-error" | "sts-webpki-invalid" | "sts-policy-invalid" {
  if (reason.startsWith("certificate-")) return "sts-webpki-invalid";
  return reason === "media-type" || reason === "policy-syntax"
    ? "sts-policy-invalid"
    : "sts-policy-fetch-error";
}
