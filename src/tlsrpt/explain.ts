/**
 * What the failures of a report mean for the owner of the domain (RFC 8460 §4.3), and which finding of `check` has
 * the remedy.
 *
 * A result type is coarse. The reason code often says more, but each sender has its own words; those that are known
 * choose a more exact finding.
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";
import type { ReceivedDetail } from "./received.ts";
import type { ResultType } from "./result_type.ts";

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

/** The result types without a reason. */
const RESULTS: Readonly<Record<ResultType | "unknown", Explanation>> = {
  "starttls-not-supported": {
    meaning: "The mail server did not offer STARTTLS to this sender.",
    advice: "smtp-no-starttls",
  },
  "certificate-host-mismatch": {
    meaning: "The certificate of the mail server is for another name than the MX host.",
    advice: "certificate-name",
  },
  "certificate-expired": {
    meaning: "The certificate of the mail server has expired.",
    advice: "certificate-expired",
  },
  "certificate-not-trusted": {
    meaning: "The sender knows no authority that vouches for the certificate of the mail server.",
    advice: "certificate-untrusted",
  },
  "validation-failure": {
    meaning:
      "The sender could not verify the mail server, for a reason that has no word of its own.",
    advice: "tls-failed",
  },
  "tlsa-invalid": {
    meaning: "No TLSA record of the mail server matches its certificate, or none can be used.",
    advice: "dane-mismatch",
  },
  "dnssec-invalid": {
    meaning: "DNS answers about the mail servers or their TLSA records fail DNSSEC.",
    advice: "dns-bogus",
  },
  "dane-required": {
    meaning:
      "The sender insists on DANE for this domain, and found no TLSA records of a mail server.",
    advice: "dane-partial",
  },
  "sts-policy-fetch-error": {
    meaning: "The sender could not fetch the MTA-STS policy over HTTPS.",
    advice: "https-failed",
  },
  "sts-policy-invalid": {
    meaning: "The sender fetched the MTA-STS policy, but it is not valid.",
    advice: "policy-mistake",
  },
  "sts-webpki-invalid": {
    meaning: "The certificate of the policy host is not valid for mta-sts.<domain>.",
    advice: "certificate-invalid",
  },
  "unknown": {
    meaning: "RFC 8460 does not have this result type.",
    advice: "tls-failed",
  },
};

/** The reasons that this program gives, see `serve` and `report serve`. */
const FETCHES: Readonly<Record<FetchFailure, Advice>> = {
  "dns": "dns-failed",
  "no-address": "host-no-address",
  "address-refused": "host-address-private",
  "connect": "host-unreachable",
  "tls": "tls-failed",
  "timeout": "https-timeout",
  "redirect": "https-redirect",
  "status": "https-status",
  "encoding": "https-encoding",
  "too-large": "https-too-large",
  "body": "https-body",
  "certificate-name": "certificate-name",
  "certificate-expired": "certificate-expired",
  "certificate-not-yet-valid": "certificate-not-yet-valid",
  "certificate-untrusted": "certificate-untrusted",
  "certificate-weak": "certificate-weak",
  "certificate-usage": "certificate-usage",
  "certificate-invalid": "certificate-invalid",
  "media-type": "https-media-type",
  "policy-syntax": "policy-mistake",
};

/** What more the reasons say that senders write. */
interface KnownReason {
  /** The result types it is believed for. */
  readonly results: readonly ResultType[];
  /** Tried on the reason in lower case, with each run of other characters as one hyphen. */
  readonly pattern: RegExp;
  readonly explanation: Explanation;
}

const FETCH: readonly ResultType[] = ["sts-policy-fetch-error"];
const WEBPKI: readonly ResultType[] = ["sts-webpki-invalid"];
const CERTIFICATE: readonly ResultType[] = [
  "certificate-not-trusted",
  "validation-failure",
  "sts-webpki-invalid",
];

/** The first that fits counts. */
const REASONS: readonly KnownReason[] = [
  {
    results: ["validation-failure", "sts-policy-invalid"],
    // Microsoft: MX_HOSTS_MISMATCH; mox: mtasts-policy-mx-mismatch; this program: mx-mismatch
    pattern: /\bmx(?:-hosts?)?-mismatch\b/,
    explanation: {
      meaning: "The policy does not cover the MX host, so the sender did not deliver to it.",
      advice: "mx-not-in-policy",
    },
  },
  {
    results: FETCH,
    pattern: /(?:^|-)3[0-9]{2}(?:-|$)|redirect/,
    explanation: {
      meaning: "The policy host redirected the sender, which must not follow.",
      advice: "https-redirect",
    },
  },
  {
    results: FETCH,
    pattern: /(?:^|-)[1245][0-9]{2}(?:-|$)|not-found/,
    explanation: {
      meaning: "The policy host answered with an error, not with the policy.",
      advice: "https-status",
    },
  },
  {
    results: FETCH,
    pattern: /time-?d?-?out|deadline/,
    explanation: {
      meaning: "The policy host did not answer the sender in time.",
      advice: "https-timeout",
    },
  },
  {
    results: FETCH,
    pattern: /no-such-host|nxdomain|name-not-known|no-address|could-not-resolve|host-not-found/,
    explanation: {
      meaning: "The sender found no address of the policy host.",
      advice: "host-no-address",
    },
  },
  {
    results: FETCH,
    pattern: /refused|unreachable|no-route|reset/,
    explanation: {
      meaning: "The sender could not connect to the policy host.",
      advice: "host-unreachable",
    },
  },
  {
    results: ["sts-policy-invalid", "sts-policy-fetch-error"],
    pattern: /content-type|media-type|mime/,
    explanation: {
      meaning: "The policy file has another media type than text/plain.",
      advice: "https-media-type",
    },
  },
  {
    results: CERTIFICATE,
    pattern: /self-signed/,
    explanation: {
      meaning: "The certificate is self-signed.",
      advice: "certificate-self-signed",
    },
  },
  {
    results: CERTIFICATE,
    pattern: /local-issuer|first-certificate|incomplete-chain|issuer-certificate/,
    explanation: {
      meaning: "The server does not send the certificates between its own and the root.",
      advice: "certificate-chain",
    },
  },
  {
    results: [...WEBPKI, "validation-failure"],
    pattern: /expired/,
    explanation: { meaning: "The certificate has expired.", advice: "certificate-expired" },
  },
  {
    results: [...WEBPKI, "validation-failure"],
    pattern: /mismatch|host-?name|wrong-name|not-valid-for/,
    explanation: { meaning: "The certificate is for another name.", advice: "certificate-name" },
  },
  {
    results: [...WEBPKI, "validation-failure"],
    pattern: /unknown-(?:authority|ca|issuer)|not-trusted|untrusted/,
    explanation: {
      meaning: "The sender knows no authority that vouches for the certificate.",
      advice: "certificate-untrusted",
    },
  },
  {
    results: ["validation-failure", "starttls-not-supported"],
    pattern: /protocol-version|unsupported-protocol|no-shared-cipher|version/,
    explanation: {
      meaning: "Sender and mail server have no version of TLS or no cipher in common.",
      advice: "tls-version",
    },
  },
  {
    results: ["starttls-not-supported", "validation-failure"],
    pattern: /starttls.*(?:refused|rejected|failed)|(?:^|-)454(?:-|$)/,
    explanation: {
      meaning: "The mail server offers STARTTLS, but refused it.",
      advice: "smtp-starttls-refused",
    },
  },
  {
    results: ["tlsa-invalid"],
    pattern: /unusable|no-usable|unsupported/,
    explanation: {
      meaning: "No TLSA record of the mail server is of a kind that SMTP uses.",
      advice: "dane-unusable",
    },
  },
];

/**
 * Explains a failure.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const { advice } = explainFailure({ result: "validation-failure", reason: "MX_HOSTS_MISMATCH" });
 * assertEquals(advice, "mx-not-in-policy");
 * ```
 * @returns Never throws.
 */
export function explainFailure(
  { result, reason }: Pick<ReceivedDetail, "result" | "reason">,
): Explanation {
  const general = RESULTS[result];
  if (reason === undefined || result === "unknown") return general;
  const word = reason.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  if (result.startsWith("sts-") && Object.hasOwn(FETCHES, word)) {
    return { ...general, advice: FETCHES[word as FetchFailure] };
  }
  const known = REASONS.find(({ results, pattern }) =>
    results.includes(result) && pattern.test(word)
  );
  return known?.explanation ?? general;
}
