/**
 * What there is to say about a failure that a report names: a meaning, and the finding of `check` with the remedy.
 *
 * @module
 */

/**
 * A kind of finding of `check` that has a remedy, in whose words it is given. `policy-mistake` stands for all that
 * `check` can find in a policy.
 */
export type Advice =
  | "dns-bogus"
  | "dns-failed"
  | "host-no-address"
  | "host-address-private"
  | "host-unreachable"
  | "https-redirect"
  | "https-status"
  | "https-media-type"
  | "https-encoding"
  | "https-too-large"
  | "https-body"
  | "https-timeout"
  | "https-failed"
  | "tls-version"
  | "tls-failed"
  | "certificate-name"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "certificate-self-signed"
  | "certificate-chain"
  | "certificate-untrusted"
  | "certificate-weak"
  | "certificate-usage"
  | "certificate-invalid"
  | "policy-mistake"
  | "dane-partial"
  | "dane-unusable"
  | "dane-mismatch"
  | "mx-not-in-policy"
  | "smtp-no-starttls"
  | "smtp-starttls-refused";

/** What a failure means. */
export interface Explanation {
  /** What the sender saw, in a sentence. Constant text. */
  readonly meaning: string;
  /** What in `check` has the remedy. */
  readonly advice: Advice;
}

/**
 * Puts the domain where a text has `<domain>`.
 *
 * @param domain `undefined` leaves the text as it is.
 */
export function nameDomain(text: string, domain: string | undefined): string {
  return domain === undefined ? text : text.replaceAll("<domain>", domain);
}
