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
    title: "DNS lookup fails",
    why: "Senders that cannot look up the name find no policy, or cannot deliver.",
    fix: "Query each name server of the zone directly (dig +norecurse) and fix the one that fails.",
  },
  "dns-unreachable": {
    severity: "error",
    title: "no resolver answers",
    why: "Nothing could be looked up. This says nothing about the domain.",
    fix: "Check the resolver of this machine, or use another one with --resolver.",
  },
  "dns-bogus": {
    severity: "error",
    title: "DNSSEC validation fails",
    why: "Validating resolvers do not resolve the name at all (RFC 4035 §5.5): no policy, no mail.",
    fix: "Re-sign the zone, or make the DS record in the parent zone match its keys.",
  },
  "txt-ok": {
    severity: "ok",
    title: "record is valid",
    why: "It announces the policy; a new id announces a change (RFC 8461 §3.1).",
    fix: "",
  },
  "txt-missing": {
    severity: "error",
    title: "no MTA-STS record",
    why: "Without the TXT record, senders do not look for a policy (RFC 8461 §3.1).",
    fix: 'Publish TXT "v=STSv1; id=<date and time>;" at _mta-sts.<domain>.',
  },
  "txt-misplaced": {
    severity: "error",
    title: "record is at the wrong name",
    why: "Senders query _mta-sts.<domain> and no other name (RFC 8461 §3.1).",
    fix:
      "Move the record to _mta-sts.<domain>. If the domain appears twice, a name in the zone file lacks its final dot.",
  },
  "txt-several": {
    severity: "error",
    title: "more than one record",
    why: "If more than one record begins with v=STSv1; senders ignore them all (RFC 8461 §3.1).",
    fix: "Remove all but one.",
  },
  "txt-quoted": {
    severity: "error",
    title: "quotation marks or backslashes inside the record",
    why:
      "They belong in the zone file. In the record itself they are a syntax error (RFC 8461 §3.1).",
    fix: "Enter the text without quotation marks, and without backslashes before the semicolons.",
  },
  "txt-id": {
    severity: "error",
    title: "id is missing or invalid",
    why: "Senders ignore a record without an id of 1 to 32 letters and digits (RFC 8461 §3.1).",
    fix: "Use the date and time, as in id=20260131120000;",
  },
  "txt-syntax": {
    severity: "error",
    title: "record has a syntax error",
    why: "Senders ignore a record that breaks the grammar (RFC 8461 §3.1).",
    fix: 'Publish exactly "v=STSv1; id=<date and time>;".',
  },
  "txt-space-after-version": {
    severity: "warning",
    title: "white space before the first semicolon",
    why:
      "The grammar allows it, but senders that expect exactly v=STSv1; ignore the record (RFC 8461 §3.1).",
    fix: 'Begin the record with "v=STSv1;".',
  },
  "txt-fields": {
    severity: "info",
    title: "record has fields other than v and id",
    why: "Senders ignore them, and use only the first of a repeated field (RFC 8461 §3.1, §3.2).",
    fix: "",
  },
  "txt-alias": {
    severity: "info",
    title: "record is reached through an alias",
    why: "Senders follow it. The policy host is still that of this domain (RFC 8461 §3.1, §8.2).",
    fix: "",
  },
  "txt-ttl-long": {
    severity: "warning",
    title: "TTL is longer than one day",
    why:
      "Senders may miss a new id for that long and keep using the old policy (RFC 8461 §3.1, §8.1).",
    fix: "Use a TTL of about one hour.",
  },
  "id-not-changed": {
    severity: "error",
    title: "policy changed but id did not",
    why:
      "Senders that hold the old policy fetch the new one only when the id changes (RFC 8461 §3.1, §8.1).",
    fix: "Change the id in the TXT record.",
  },
  "id-changed": {
    severity: "info",
    title: "id changed since the last check",
    why: "Senders now fetch the policy again (RFC 8461 §3.1).",
    fix: "",
  },
  "tlsrpt-ok": {
    severity: "ok",
    title: "record is valid",
    why: "Senders report TLS failures to these addresses (RFC 8460 §3).",
    fix: "",
  },
  "tlsrpt-missing": {
    severity: "warning",
    title: "no TLSRPT record",
    why: "Without it, you get no report when TLS fails for your mail (RFC 8460 §3, RFC 8461 §6).",
    fix: 'Publish TXT "v=TLSRPTv1; rua=mailto:<address>" at _smtp._tls.<domain>.',
  },
  "tlsrpt-several": {
    severity: "warning",
    title: "more than one TLSRPT record",
    why: "If there is more than one, senders ignore them all (RFC 8460 §3).",
    fix: "Remove all but one. One record can list several addresses, separated by commas.",
  },
  "tlsrpt-syntax": {
    severity: "warning",
    title: "TLSRPT record has a syntax error",
    why: "Senders ignore a record that breaks the grammar (RFC 8460 §3).",
    fix: 'Publish exactly "v=TLSRPTv1; rua=mailto:<address>".',
  },
  "tlsrpt-no-rua": {
    severity: "warning",
    title: "TLSRPT record names no address",
    why: "The field rua is required. It says where to send reports (RFC 8460 §3).",
    fix: "Add rua=mailto:<address> or rua=https://<host>/<path>.",
  },
  "tlsrpt-scheme": {
    severity: "warning",
    title: "report address is neither mailto: nor https:",
    why: "Reports are delivered by no other scheme (RFC 8460 §3).",
    fix: "Write mailto: before a mail address, or use an https: URI.",
  },
  "tlsrpt-uri": {
    severity: "warning",
    title: "report address is not a valid URI",
    why: "Commas, semicolons and exclamation marks must be percent-encoded (RFC 8460 §3).",
    fix: "Write mailto:user@domain or https://host/path, without spaces.",
  },
  "dnssec-ok": {
    severity: "ok",
    title: "zone is signed",
    why: "Forged MX and TXT records are detected (RFC 4033 §2).",
    fix: "",
  },
  "dnssec-none": {
    severity: "info",
    title: "zone is not signed",
    why:
      "DANE requires DNSSEC (RFC 7672 §2.2.1). Without it, MTA-STS is the protection against active attacks (RFC 8461 §2).",
    fix: "",
  },
  "dnssec-unknown": {
    severity: "info",
    title: "DNSSEC could not be checked",
    why: "The resolver in use does not validate, so nothing is known about DNSSEC and DANE.",
    fix: "Use a validating resolver on a trusted path, see --resolver.",
  },
  "dane-ok": {
    severity: "ok",
    title: "TLSA records match",
    why:
      "Senders with DANE verify the host with them, and MTA-STS does not override that (RFC 7672 §2.2, RFC 8461 §2).",
    fix: "",
  },
  "dane-none": {
    severity: "info",
    title: "no TLSA records",
    why: "Without them, DANE does not apply, and MTA-STS is the only protection (RFC 7672 §2.2).",
    fix: "",
  },
  "dane-partial": {
    severity: "warning",
    title: "only some MX hosts have TLSA records",
    why: "An attacker can steer mail to a host that DANE does not protect (RFC 7672 §2.2).",
    fix: "Publish TLSA records for every MX host.",
  },
  "dane-unusable": {
    severity: "warning",
    title: "no usable TLSA record",
    why:
      "SMTP uses only certificate usages 2 and 3, with known selectors and digests (RFC 7672 §3.1).",
    fix: "Publish a 3 1 1 record with the SHA-256 digest of the host's public key.",
  },
  "dane-insecure": {
    severity: "warning",
    title: "TLSA records are not signed",
    why: "Senders ignore TLSA records that DNSSEC does not protect (RFC 7672 §2.2).",
    fix: "Sign the zone of the host, or remove the records.",
  },
  "dane-mx-insecure": {
    severity: "warning",
    title: "TLSA records, but unsigned MX records",
    why: "An attacker who replaces the MX records replaces the hosts (RFC 7672 §2.2.1).",
    fix: "Sign the zone of the domain.",
  },
  "dane-mismatch": {
    severity: "error",
    title: "no TLSA record matches the certificate",
    why:
      "Senders with DANE do not deliver to this host (RFC 7672 §2.2), whatever MTA-STS says (RFC 8461 §2).",
    fix:
      "Publish a TLSA record for the new key beside the old one, wait two TTLs, then change the certificate (RFC 7671 §8.1).",
  },
  "dane-not-compared": {
    severity: "info",
    title: "TLSA records could not be compared",
    why: "Some or all of the certificates that the host presents could not be read.",
    fix: "",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
