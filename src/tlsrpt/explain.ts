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
import type { Explanation } from "./advice.ts";
import { FETCH_ADVICE, KNOWN_REASONS } from "./known_reasons.ts";
import type { ReceivedDetail, ReceivedPolicy } from "./received.ts";
import type { ResultType } from "./result_type.ts";

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
      "The sender could not verify the mail server, for a reason that has no result type of its own.",
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
      "The sender requires DANE for this domain, and found no TLSA records for a mail server.",
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
    meaning: "RFC 8460 does not define this result type.",
    advice: "tls-failed",
  },
};

/** Postfix says so if no TLSA record matches; who has issued the certificate does not matter under DANE-EE. */
const NO_TLSA_MATCH: Explanation = {
  meaning: "The certificate of the mail server matches none of its TLSA records.",
  advice: "dane-mismatch",
};

/** A failure, as far as it is explained. */
export interface Failure extends Pick<ReceivedDetail, "result" | "reason"> {
  /** The kind of policy that the session was under, if it is known. */
  readonly policy?: ReceivedPolicy["type"];
}

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
export function explainFailure({ result, reason, policy }: Failure): Explanation {
  if (policy === "tlsa" && result === "certificate-not-trusted") return NO_TLSA_MATCH;
  const general = RESULTS[result];
  if (reason === undefined || result === "unknown") return general;
  const word = reason.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  if (result.startsWith("sts-") && Object.hasOwn(FETCH_ADVICE, word)) {
    return { ...general, advice: FETCH_ADVICE[word as FetchFailure] };
  }
  const known = KNOWN_REASONS.find(({ results, pattern }) =>
    results.includes(result) && pattern.test(word)
  );
  return known?.explanation ?? general;
}
