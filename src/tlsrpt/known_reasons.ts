/**
 * The reason codes that senders are known to write, and what each says beyond the result type (RFC 8460 §4.4 leaves
 * their text to the sender).
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";
import type { Advice, Explanation } from "./advice.ts";
import type { ResultType } from "./result_type.ts";

/** The reasons that this program gives for a policy that it cannot fetch. */
export const FETCH_ADVICE: Readonly<Record<FetchFailure, Advice>> = {
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

/** A reason that senders write, and what it says. */
export interface KnownReason {
  /** The result types it is believed for. */
  readonly results: readonly ResultType[];
  /** Tried on the reason in lower case, with each run of other characters as one hyphen. */
  readonly pattern: RegExp;
  /** In place of what the result alone says. */
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
export const KNOWN_REASONS: readonly KnownReason[] = [
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
