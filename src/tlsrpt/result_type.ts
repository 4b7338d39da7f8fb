/**
 * The words of TLS reports (RFC 8460) for the failures of a policy.
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";

/** The result type of a failure in TLS reports (RFC 8460 §4.3.2.2). */
export function tlsrptResult(
  reason: FetchFailure,
): "sts-policy-fetch-error" | "sts-webpki-invalid" | "sts-policy-invalid" {
  if (reason.startsWith("certificate-")) return "sts-webpki-invalid";
  return reason === "media-type" || reason === "policy-syntax"
    ? "sts-policy-invalid"
    : "sts-policy-fetch-error";
}
