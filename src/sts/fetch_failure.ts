/**
 * Why the fetch of a policy failed (RFC 8461 §3.3), in one word each.
 *
 * @module
 */

/**
 * Why there is no policy text. The list is closed: the same word is the log field and the metric
 * label, and `tlsrpt/result_type.ts` turns it into the result type of RFC 8460.
 */
export type FetchFailure =
  // sts-policy-fetch-error
  | "dns" // the policy host's name could not be resolved (failure of the DNS resolver)
  | "no-address" // the policy host has no address at all
  | "address-refused" // an address on our own side, or only addresses in refused ranges
  | "connect" // refused, reset, unreachable
  | "tls" // TLS could not be agreed: version, alert, not TLS at all
  | "timeout" // one deadline over DNS, connect, TLS and body
  | "redirect" // 3xx: MUST NOT be followed
  | "status" // any status but 200
  | "encoding" // a content coding we did not ask for
  | "too-large" // body above 64 KiB
  | "body" // cut off, reset or otherwise incomplete
  // sts-webpki-invalid
  | "certificate-name"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "certificate-untrusted" // unknown issuer, self-signed, missing intermediate
  | "certificate-weak" // SHA-1, RSA below 2048 bits
  | "certificate-usage" // not for server authentication
  | "certificate-invalid" // anything else the verifier refuses
  // sts-policy-invalid
  | "media-type"
  | "policy-syntax";

/** All failures, for counters that must exist before the first failure. */
export const FETCH_FAILURES: readonly FetchFailure[] = [
  "dns",
  "no-address",
  "address-refused",
  "connect",
  "tls",
  "timeout",
  "redirect",
  "status",
  "encoding",
  "too-large",
  "body",
  "certificate-name",
  "certificate-expired",
  "certificate-not-yet-valid",
  "certificate-untrusted",
  "certificate-weak",
  "certificate-usage",
  "certificate-invalid",
  "media-type",
  "policy-syntax",
];

/** What only the policy host can say, over a TLS session that is its own for certain. */
const PUBLISHED: readonly string[] = [
  "redirect",
  "status",
  "encoding",
  "too-large",
  "media-type",
  "policy-syntax",
] satisfies FetchFailure[];

/**
 * Whether a failure is what the domain publishes, and so the same for everybody. Any other may be the fault of the host
 * that fetched: its way out, its DNS, its trust roots, its clock, its load.
 *
 * @param reason A {@link FetchFailure} word.
 */
export function isPublished(reason: string): boolean {
  return PUBLISHED.includes(reason);
}
