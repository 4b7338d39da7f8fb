/**
 * What only the resolver knows, as counts for reports: policies that could not be fetched, MX hosts outside the policy,
 * and DNS data that did not validate. Postfix cannot report these, because no TLS session takes place.
 *
 * | Event | Counts |
 * | --- | --- |
 * | an answer without a policy, because its fetch failed | a failed session under an STS policy without text |
 * | a fetch failed while a policy is held | a failure of that policy; Postfix counts its sessions |
 * | no MX host of the next hop is in the policy | a failed session under it, a failure for each host |
 * | deferred because MX or TLSA records did not validate | a failed session under a TLSA policy without text |
 * | a look at DNS finds secure TLSA records, none usable | a failure of each host's TLSA policy |
 *
 * An answer is an attempt rather than a session: Postfix asks once for each delivery. Timeouts and other passing failures
 * are not reported (RFC 8460 §5.5 asks for no more). Nor is a host in brackets that the policy does not cover: the operator
 * chose it, and the owner of the domain, who reads the report, can correct nothing.
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";
import { FETCH_FAILURES } from "../sts/fetch_failure.ts";
import type { Answer, HeldPolicy, ResolverEvent, UnusableTlsa } from "../resolver/types.ts";
import { readKey } from "../sts/domain.ts";
import { makePolicy } from "../tlsrpt/datagram.ts";
import { plainText } from "../tlsrpt/plain_text.ts";
import type { FailureDetail } from "../tlsrpt/report.ts";
import { tlsrptResult } from "../tlsrpt/result_type.ts";
import type { DomainCount, SessionPolicy } from "../tlsrpt/session.ts";

/** A bounded map: why there is no policy of a domain, as last heard. */
interface KnownFailures {
  get(domain: string): FailureDetail | undefined;
  set(domain: string, failure: FailureDetail): void;
}

/** MX hosts that a report names. */
const MAX_HOSTS = 10;

/**
 * Characters of the TLSA records of one host that a report quotes: fifty records with a digest. With more, the row has
 * none, so that the hosts of a domain fit into one line to the report daemon.
 */
const MAX_TLSA_CHARS = 4096;

/** Makes counts of events. @param known Holds the last failure of each domain. */
export function createResolverCounts(
  known: KnownFailures,
): (event: ResolverEvent) => DomainCount | undefined {
  return (event) => {
    switch (event.kind) {
      case "fetch":
        if (event.result.kind === "failed") {
          known.set(event.domain, fetchDetail(event.result.reason, event.result.detail));
        }
        return undefined;
      case "held-off":
        known.set(event.domain, fetchDetail(event.failure.reason, event.failure.detail));
        return undefined;
      case "mx": {
        const { nextHop, result } = event;
        return result.kind === "known" ? countUnusable(nextHop, result.unusable ?? []) : undefined;
      }
      case "kept":
        return countKept(event, known.get(event.held.domain));
      case "answer":
        // An exception is a decision of the operator, and says nothing about the owner of the domain.
        if (event.exception?.policy !== undefined) return undefined;
        return countAnswer(event, known.get(event.domain));
      default:
        return undefined;
    }
  };
}

function countKept(
  { held, reason }: Extract<ResolverEvent, { kind: "kept" }>,
  known: FailureDetail | undefined,
): DomainCount | undefined {
  if (held.policy.mode === "none" || !isFetchFailure(reason)) return undefined;
  const detail = known ?? fetchDetail(reason, "");
  return count(held.domain, { policy: policyOf(held), failed: 0, details: [detail] });
}

function countAnswer(
  { domain, outcome, answer, bracketed, mxHosts = [], mxFailure }: Extract<
    ResolverEvent,
    { kind: "answer" }
  >,
  known: FailureDetail | undefined,
): DomainCount | undefined {
  if (outcome === "fetch-failed") {
    const detail = known ?? { result: "sts-policy-fetch-error", count: 1 } as const;
    const policy = { type: "sts", domain, strings: [], mxHosts: [] } as const;
    return count(domain, { policy, failed: 1, details: [detail] });
  }
  if (answer.kind === "secure" && answer.hosts?.length === 0) {
    if (bracketed) return undefined;
    const details = mxHosts.slice(0, MAX_HOSTS).map(mismatch);
    return count(domain, {
      policy: policyOfAnswer(answer),
      failed: 1,
      details: details.length === 0 ? [mismatch(undefined)] : details,
    });
  }
  if (answer.kind === "temp" && answer.cause === "dane-dns" && mxFailure === "bogus") {
    const policy = { type: "tlsa", domain, strings: [], mxHosts: [] } as const;
    return count(domain, { policy, failed: 1, details: [{ result: "dnssec-invalid", count: 1 }] });
  }
  return undefined;
}

/** A look at DNS is no session, and Postfix counts those that take place. */
function countUnusable(
  nextHop: string,
  unusable: readonly UnusableTlsa[],
): DomainCount | undefined {
  const key = readKey(nextHop);
  if (unusable.length === 0 || key.kind !== "next-hop") return undefined;
  const policies = unusable.slice(0, MAX_HOSTS).map(({ host, base, records }) => {
    const policy = makePolicy({
      type: "tlsa",
      domain: base,
      strings: tlsaStrings(records),
      mxHosts: [],
    });
    const detail = { result: "tlsa-invalid", count: 1, mxHost: host } as const;
    return { policy, ok: 0, failed: 0, details: [detail] };
  });
  return { domain: key.nextHop.domain, record: undefined, policies };
}

/** TLSA records as a report quotes them (RFC 8460 §4.5), or none if they are too long. */
function tlsaStrings(records: UnusableTlsa["records"]): string[] {
  const chars = records.reduce((sum, { data }) => sum + 12 + 2 * data.length, 0);
  if (chars > MAX_TLSA_CHARS) return [];
  return records.map(({ usage, selector, matchingType, data }) =>
    `${usage} ${selector} ${matchingType} ${data.toHex()}`
  );
}

function count(
  domain: string,
  given: { policy: SessionPolicy; failed: number; details: readonly FailureDetail[] },
): DomainCount {
  return { domain, record: undefined, policies: [{ ok: 0, ...given }] };
}

/** Our word for the failure, with the HTTP status if that is the failure. */
function fetchDetail(reason: FetchFailure | string, detail: string): FailureDetail {
  const result = isFetchFailure(reason) ? tlsrptResult(reason) : "sts-policy-fetch-error";
  const [, status] = /^HTTP status ([1-5][0-9]{2})(?![0-9])/.exec(detail) ?? [];
  const word = status === undefined ? reason : `${reason}-${status}`;
  return { result, count: 1, reason: plainText(word) };
}

function mismatch(mxHost: string | undefined): FailureDetail {
  const host = mxHost === undefined ? {} : { mxHost };
  return { result: "validation-failure", count: 1, ...host, reason: "mx-mismatch" };
}

function isFetchFailure(word: string): word is FetchFailure {
  return FETCH_FAILURES.includes(word as FetchFailure);
}

/** As Postfix reports it: the lines and patterns of our answers. */
function policyOf({ domain, strings, policy: { mx } }: HeldPolicy): SessionPolicy {
  return makePolicy({ type: "sts", domain, strings, mxHosts: mx });
}

function policyOfAnswer(
  { domain, policyStrings, patterns }: Extract<Answer, { kind: "secure" }>,
): SessionPolicy {
  return makePolicy({ type: "sts", domain, strings: policyStrings, mxHosts: patterns });
}
