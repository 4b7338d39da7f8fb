/**
 * What to do about a deferral and about a policy that cannot be fetched: a sentence or two for each cause.
 *
 * @module
 */

import type { FetchFailure } from "../sts/fetch_failure.ts";
import type { DeferralCause } from "./deferrals.ts";

/** What a cause of `TEMP` calls for. */
const DEFERRALS: Readonly<Record<DeferralCause, string>> = {
  "dns-failure":
    "Look up TXT _mta-sts.DOMAIN. If only this domain fails, its name servers are at fault; wait. " +
    "If many fail, check the DNS resolver.",
  deadline:
    "DNS or the policy host is slow. Run 'mta-sts-resolver lookup DOMAIN' to see which; if many " +
    "domains are affected, check the DNS resolver and 'limits.discoveries'.",
  "cache-unusable": "Check the cache file: its disk, its permissions and the log.",
  "dane-dns":
    "Look up MX DOMAIN, and A and TLSA of its MX hosts. If only this domain fails, its DNSSEC is broken or " +
    "its name servers are down: tell its postmaster. If many fail, check the DNS resolver.",
  "dane-not-validating":
    "The zone has 'dane: require'. Use a DNS resolver that validates DNSSEC, or set 'dane: auto'.",
  "dane-validation-unknown":
    "The zone has 'dane: require', and the DNS resolver has not answered yet. Check the DNS resolver.",
  "dane-port":
    "Give the port as a number where the next hop is set, such as in the transport table of Postfix.",
  "mx-addresses":
    "Look up A and AAAA of the MX hosts of DOMAIN. If only this domain fails, tell its " +
    "postmaster. If many fail, check the DNS resolver.",
  "match-limit":
    "The zone has 'match_limit', and the MX names of DOMAIN exceed it. Raise the limit if the mail server accepts more.",
  "mx-mismatch":
    "The policy of DOMAIN covers none of its MX hosts: tell its postmaster. 'mta-sts-resolver lookup DOMAIN' " +
    "shows both.",
  unprintable: "The policy of DOMAIN is too long for a reply: tell its postmaster.",
  bug: "This is a bug in mta-sts-resolver. The log has the details; please report it.",
};

const THEIR_CERTIFICATE =
  "The policy host needs a new certificate: tell the postmaster of DOMAIN. Mail is delivered meanwhile.";
const THEIR_SERVER =
  "The web server at mta-sts.DOMAIN is at fault: tell its postmaster. Mail is delivered meanwhile.";
const THE_WAY =
  "If other policies can be fetched, the policy host is down: wait. If none can, check firewall and proxy.";

/** What a failed fetch calls for. */
const FETCHES: Readonly<Record<FetchFailure, string>> = {
  dns:
    "Look up A and AAAA of mta-sts.DOMAIN. If that fails for many domains, check the DNS resolver.",
  "no-address": "The policy host has no address: tell the postmaster of DOMAIN.",
  "address-refused":
    "The policy host has an address in a private or reserved range: tell the postmaster of DOMAIN, or " +
    "allow the range if the domain is yours.",
  connect: THE_WAY,
  tls: THEIR_SERVER,
  timeout: THE_WAY,
  redirect: "The policy host redirects, which RFC 8461 forbids: tell the postmaster of DOMAIN.",
  status:
    "The web server at mta-sts.DOMAIN does not serve the policy file: tell the postmaster of DOMAIN.",
  encoding: THEIR_SERVER,
  "too-large": THEIR_SERVER,
  body: THE_WAY,
  "certificate-name": THEIR_CERTIFICATE,
  "certificate-expired": THEIR_CERTIFICATE,
  "certificate-not-yet-valid":
    "Check the clock of this machine. If it is right, the certificate of the policy host is not valid yet.",
  "certificate-untrusted":
    "The policy host does not send its whole chain, or its CA is not trusted here. If many fail, check " +
    "the CA store ('tls.ca'); otherwise tell the postmaster of DOMAIN.",
  "certificate-weak": THEIR_CERTIFICATE,
  "certificate-usage": THEIR_CERTIFICATE,
  "certificate-invalid": THEIR_CERTIFICATE,
  "media-type": THEIR_SERVER,
  "policy-syntax":
    "The policy file has a mistake: tell the postmaster of DOMAIN. 'mta-sts-resolver check DOMAIN' shows it.",
};

/** What to do about a deferral. @returns Whole sentences. */
export function remedyOfDeferral(cause: DeferralCause, domain: string): string {
  return DEFERRALS[cause].replaceAll("DOMAIN", domain);
}

/** What to do about a failed fetch. @param reason A `FetchFailure` word. @returns Whole sentences. */
export function remedyOfFetch(reason: string, domain: string): string {
  const remedy = Object.hasOwn(FETCHES, reason) ? FETCHES[reason as FetchFailure] : THEIR_SERVER;
  return remedy.replaceAll("DOMAIN", domain);
}
