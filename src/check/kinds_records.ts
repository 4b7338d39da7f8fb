/**
 * The kinds of findings about records in DNS: the TXT record of MTA-STS, the one of TLS reports, DNSSEC and
 * DANE.
 *
 * @module
 */

import type { FindingKind } from "./finding_kind.ts";

/** By name, in the order of the manual. */
export const RECORD_KINDS = {
  "dns-failed": {
    severity: "error",
    title: "DNS does not answer",
    why: "A sender that cannot look the name up finds no policy or cannot deliver.",
    fix: "Ask the name servers of the zone directly (dig +norecurse) and mend the one that fails.",
  },
  "dns-unreachable": {
    severity: "error",
    title: "no resolver answers here",
    why: "Nothing could be looked up; that says nothing about the domain.",
    fix: "See to the resolver of this machine, or name another with --resolver.",
  },
  "dns-bogus": {
    severity: "error",
    title: "DNSSEC validation fails",
    why:
      "For every validating resolver the name does not resolve at all (RFC 4035 §5.5): no policy, no mail.",
    fix: "Renew the signatures, or make the DS record at the parent fit the keys of the zone.",
  },
  "txt-ok": {
    severity: "ok",
    title: "record is valid",
    why:
      "Senders learn from it that there is a policy, and by a new id that it changed (RFC 8461 §3.1).",
    fix: "",
  },
  "txt-missing": {
    severity: "error",
    title: "no MTA-STS record",
    why: "Without the TXT record no sender looks for a policy (RFC 8461 §3.1).",
    fix: 'Publish TXT "v=STSv1; id=<date and time>;" at _mta-sts.<domain>.',
  },
  "txt-misplaced": {
    severity: "error",
    title: "record stands at the wrong name",
    why: "Senders look at _mta-sts.<domain> only (RFC 8461 §3.1).",
    fix:
      "Move the record to _mta-sts.<domain>; a doubled domain comes from a name without its final dot in the zone file.",
  },
  "txt-several": {
    severity: "error",
    title: "several records",
    why: "With more than one record that begins with v=STSv1; none counts (RFC 8461 §3.1).",
    fix: "Remove all but one.",
  },
  "txt-quoted": {
    severity: "error",
    title: "quotation marks or backslashes inside the record",
    why:
      "They belong to the zone file; in the record itself they break its syntax (RFC 8461 §3.1).",
    fix: "Enter the text without quotation marks and without backslashes before the semicolons.",
  },
  "txt-id": {
    severity: "error",
    title: "id is missing or wrong",
    why: "Without an id of 1 to 32 letters and digits the record does not count (RFC 8461 §3.1).",
    fix: "Use the date and time, such as id=20260131120000;",
  },
  "txt-syntax": {
    severity: "error",
    title: "record has a mistake",
    why: "A record that breaks the grammar counts as none (RFC 8461 §3.1).",
    fix: 'Publish exactly "v=STSv1; id=<date and time>;".',
  },
  "txt-space-after-version": {
    severity: "warning",
    title: "white space before the first semicolon",
    why:
      "The grammar allows it, but senders that look for v=STSv1; to the letter discard the record (RFC 8461 §3.1).",
    fix: 'Begin the record with "v=STSv1;".',
  },
  "txt-fields": {
    severity: "info",
    title: "record has fields beside v and id",
    why: "Senders ignore them, and all but the first of repeated ones (RFC 8461 §3.1, §3.2).",
    fix: "",
  },
  "txt-alias": {
    severity: "info",
    title: "record is found through an alias",
    why: "Senders follow it; the policy host stays that of this domain (RFC 8461 §3.1, §8.2).",
    fix: "",
  },
  "txt-ttl-long": {
    severity: "warning",
    title: "TTL is above one day",
    why:
      "So long senders may not see a new id, and go on with the old policy (RFC 8461 §3.1, §8.1).",
    fix: "Use a TTL of an hour or so.",
  },
  "id-not-changed": {
    severity: "error",
    title: "policy changed, id did not",
    why:
      "Senders that hold the old policy fetch a new one when the id changes (RFC 8461 §3.1, §8.1).",
    fix: "Publish the TXT record with a new id.",
  },
  "id-changed": {
    severity: "info",
    title: "id changed since the last check",
    why: "Senders fetch the policy anew (RFC 8461 §3.1).",
    fix: "",
  },
  "tlsrpt-ok": {
    severity: "ok",
    title: "record is valid",
    why: "Senders report failures to deliver with TLS to these addresses (RFC 8460 §3).",
    fix: "",
  },
  "tlsrpt-missing": {
    severity: "warning",
    title: "no TLS reports wanted",
    why: "Nobody tells the domain when TLS fails for its mail (RFC 8460 §3, RFC 8461 §6).",
    fix: 'Publish TXT "v=TLSRPTv1; rua=mailto:<address>" at _smtp._tls.<domain>.',
  },
  "tlsrpt-several": {
    severity: "warning",
    title: "several TLSRPT records",
    why: "With more than one record none counts (RFC 8460 §3).",
    fix: "Remove all but one; one record can name several addresses, separated by commas.",
  },
  "tlsrpt-syntax": {
    severity: "warning",
    title: "TLSRPT record has a mistake",
    why: "A record that breaks the grammar brings no reports (RFC 8460 §3).",
    fix: 'Publish exactly "v=TLSRPTv1; rua=mailto:<address>".',
  },
  "tlsrpt-no-rua": {
    severity: "warning",
    title: "TLSRPT record names no address",
    why: "The field rua is required: it says where reports go (RFC 8460 §3).",
    fix: "Add rua=mailto:<address> or rua=https://<host>/<path>.",
  },
  "tlsrpt-scheme": {
    severity: "warning",
    title: "address for reports is neither mailto: nor https:",
    why: "No other way to deliver reports is defined (RFC 8460 §3).",
    fix: "Write mailto: before a mail address; use https: for a web address.",
  },
  "tlsrpt-uri": {
    severity: "warning",
    title: "address for reports is not a valid URI",
    why: "Commas, semicolons and exclamation marks in it must be percent-encoded (RFC 8460 §3).",
    fix: "Write mailto:user@domain or https://host/path without spaces.",
  },
  "dnssec-ok": {
    severity: "ok",
    title: "zone is signed",
    why: "Nobody on the way can change MX and TXT records unnoticed (RFC 4033 §2).",
    fix: "",
  },
  "dnssec-none": {
    severity: "info",
    title: "zone is not signed",
    why:
      "DANE needs DNSSEC (RFC 7672 §2.2.1); without it MTA-STS is what protects mail against active attacks (RFC 8461 §2).",
    fix: "",
  },
  "dnssec-unknown": {
    severity: "info",
    title: "DNSSEC could not be looked at",
    why: "The resolver in use does not validate, so nothing can be said about DNSSEC and DANE.",
    fix: "Name a validating resolver on a trusted path with --resolver.",
  },
  "dane-ok": {
    severity: "ok",
    title: "TLSA records fit",
    why:
      "Senders with DANE verify the host by them and are not bound by MTA-STS (RFC 7672 §2.2, RFC 8461 §2).",
    fix: "",
  },
  "dane-none": {
    severity: "info",
    title: "no TLSA records",
    why: "Without them DANE does not apply, and MTA-STS protects alone (RFC 7672 §2.2).",
    fix: "",
  },
  "dane-partial": {
    severity: "warning",
    title: "only some MX hosts have TLSA records",
    why: "An attacker steers mail to a host that DANE does not protect (RFC 7672 §2.2).",
    fix: "Publish TLSA records for every MX host.",
  },
  "dane-unusable": {
    severity: "warning",
    title: "no usable TLSA record",
    why:
      "SMTP uses certificate usages 2 and 3 with known selectors and digests only (RFC 7672 §3.1).",
    fix: "Publish a record of the form 3 1 1 with the SHA-256 of the host's public key.",
  },
  "dane-insecure": {
    severity: "warning",
    title: "TLSA records are not signed",
    why: "Senders ignore TLSA records that DNSSEC does not protect (RFC 7672 §2.2).",
    fix: "Sign the zone of the host, or remove the records.",
  },
  "dane-mx-insecure": {
    severity: "warning",
    title: "TLSA records behind unsigned MX records",
    why: "An attacker replaces the MX records, and with them the hosts (RFC 7672 §2.2.1).",
    fix: "Sign the zone of the domain.",
  },
  "dane-mismatch": {
    severity: "error",
    title: "no TLSA record fits the certificate",
    why:
      "Senders with DANE do not deliver to this host (RFC 7672 §2.2), whatever MTA-STS says (RFC 8461 §2).",
    fix:
      "Publish the record of the new key beside the old one, wait two TTLs, then change the certificate (RFC 7671 §8.1).",
  },
  "dane-not-compared": {
    severity: "info",
    title: "TLSA records could not be compared",
    why: "The certificates that the host presents could not be read, or not all of them.",
    fix: "",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
