/**
 * What fetching a policy can come to, as values (RFC 8461 §3.3).
 *
 * @module
 */

import type { DnsFailure } from "../dns/types.ts";

/**
 * Why no policy text was had. The list is closed: the same word is the
 * log field, the metric label and, through `tlsrpt/result_type.ts`, the RFC 8460
 * result type.
 */
export type FetchFailure =
  // sts-policy-fetch-error
  | "dns" // the policy host's name could not be resolved (failure of the resolver)
  | "no-address" // the policy host has no address at all
  | "address-refused" // an address of our own side, or only addresses in refused ranges
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

/** A failed fetch. `detail` is one line for a person, quoted and cut, safe to print. */
export interface FailedFetch {
  readonly kind: "failed";
  readonly reason: FetchFailure;
  readonly detail: string;
  /** The resolver's failure, when `reason` is `dns`. */
  readonly dns?: DnsFailure;
}

/** The result of one GET of a policy file. */
export type FetchOutcome =
  | {
    readonly kind: "fetched";
    /** The body, decoded as UTF-8 without BOM stripping; malformed bytes as U+FFFD. */
    readonly text: string;
    /** Body size in bytes, as received. */
    readonly bytes: number;
  }
  | FailedFetch;

/** What a person wants to see of a fetch beside its outcome; filled as far as it got. */
export interface FetchTrace {
  url: string;
  /** Acceptable addresses, in the order DNS gave them. */
  addresses: readonly string[];
  /** The address that was connected to; none through a proxy of the operator's. */
  connected?: string;
  /** Addresses left out by the guard, with the name of the refused range. */
  refused: readonly { address: string; range: string }[];
  status?: number;
  /** As the remote sent it, cut: quote it to print it. */
  mediaType?: string;
  /** Milliseconds from start to outcome. */
  elapsed?: number;
}

/** Fetches the policy file of one domain. Never rejects. */
export type FetchPolicy = (
  domain: string,
  options?: {
    readonly signal?: AbortSignal;
    readonly trace?: FetchTrace;
    /** A number that is the higher the later the fetch was wanted; where many wait, the last goes first. */
    readonly turn?: number;
  },
) => Promise<FetchOutcome>;
