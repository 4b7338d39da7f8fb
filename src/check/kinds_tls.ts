/**
 * The kinds of findings about TLS and certificates, of policy hosts and MX hosts alike: the rules are the same.
 *
 * @module
 */

import type { FindingKind } from "./finding_kind.ts";

/** By name, in the order of the manual. */
export const TLS_KINDS = {
  "tls-version": {
    severity: "error",
    title: "no TLS 1.2 or 1.3",
    why: "Senders need not speak anything older (RFC 8461 §7.2, RFC 8996).",
    fix: "Turn TLS 1.2 and 1.3 on.",
  },
  "tls-failed": {
    severity: "error",
    title: "TLS cannot be agreed on",
    why: "Under the policy there is no way round TLS (RFC 8461 §4.2).",
    fix: "Look into the log of the server; `openssl s_client` shows its side of the handshake.",
  },
  "certificate-name": {
    severity: "error",
    title: "certificate is for another name",
    why: "It must have the name of the host as a DNS name in subjectAltName (RFC 8461 §3.3, §4.2).",
    fix: "Get a certificate for this name, and have the server choose it by SNI.",
  },
  "certificate-cn-only": {
    severity: "error",
    title: "certificate has the name as common name only",
    why:
      "The common name does not count, only DNS names in subjectAltName do (RFC 8461 §3.3, §4.2).",
    fix: "Get a certificate with the name of the host in subjectAltName.",
  },
  "certificate-expired": {
    severity: "error",
    title: "certificate has expired",
    why: "An expired certificate is not valid (RFC 8461 §3.3, §4.2).",
    fix: "Renew it, and have the server load it.",
  },
  "certificate-not-yet-valid": {
    severity: "error",
    title: "certificate is not valid yet",
    why: "Before its first day it is not valid (RFC 8461 §3.3, §4.2).",
    fix: "Set the clock of whoever issued it, and issue it again.",
  },
  "certificate-expires-soon": {
    severity: "warning",
    title: "certificate expires soon",
    why: "From that day on senders refuse the host (RFC 8461 §3.3, §4.2).",
    fix: "See why it was not renewed, and whether the server has loaded the new one.",
  },
  "certificate-self-signed": {
    severity: "error",
    title: "certificate is self-signed",
    why: "It must be issued by an authority that senders trust (RFC 8461 §3.3, §4.2).",
    fix: "Get one from a recognised certification authority, for example by ACME.",
  },
  "certificate-chain": {
    severity: "error",
    title: "intermediate certificate is missing",
    why: "The server must send the whole chain below the root (RFC 8461 §4.2, RFC 8446 §4.4.2).",
    fix:
      "Configure the file with the full chain (fullchain.pem), not that of the certificate alone.",
  },
  "certificate-untrusted": {
    severity: "error",
    title: "certificate is from an authority nobody knows",
    why: "It must lead to a root that senders trust (RFC 8461 §3.3, §4.2).",
    fix: "Get one from a recognised certification authority, and send the whole chain.",
  },
  "certificate-weak": {
    severity: "error",
    title: "certificate has a weak signature or key",
    why: "SHA-1 and RSA below 2048 bits are not accepted any more (RFC 9155, RFC 8446 §4.4.2.4).",
    fix: "Get a new certificate.",
  },
  "certificate-usage": {
    severity: "error",
    title: "certificate is not for servers",
    why: "Its extended key usage must allow server authentication (RFC 5280 §4.2.1.12).",
    fix: "Get a certificate for a TLS server.",
  },
  "certificate-invalid": {
    severity: "error",
    title: "certificate is refused",
    why: "A certificate that does not pass validation counts as none (RFC 8461 §3.3, §4.2).",
    fix: "Get a new certificate.",
  },
  "certificate-unread": {
    severity: "info",
    title: "certificate could not be read",
    why: "It was verified, but its expiry is not known: a second connection to look at it failed.",
    fix: "",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
