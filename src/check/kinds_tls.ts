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
    why: "Senders need not support older versions (RFC 8461 §7.2, RFC 8996).",
    fix: "Turn on TLS 1.2 and 1.3.",
  },
  "tls-failed": {
    severity: "error",
    title: "TLS handshake fails",
    why: "Under the policy, mail is delivered over TLS or not at all (RFC 8461 §4.2).",
    fix: "Check the log of the server. `openssl s_client` shows its side of the handshake.",
  },
  "certificate-name": {
    severity: "error",
    title: "certificate is for another name",
    why: "It must list the host as a DNS name in subjectAltName (RFC 8461 §3.3, §4.2).",
    fix: "Get a certificate for this name, and make the server select it by SNI.",
  },
  "certificate-cn-only": {
    severity: "error",
    title: "certificate has the name only as its common name",
    why:
      "Senders ignore the common name and use the DNS names in subjectAltName (RFC 8461 §3.3, §4.2).",
    fix: "Get a certificate that lists the host in subjectAltName.",
  },
  "certificate-expired": {
    severity: "error",
    title: "certificate has expired",
    why: "An expired certificate is not valid (RFC 8461 §3.3, §4.2).",
    fix: "Renew it, and make the server load it.",
  },
  "certificate-not-yet-valid": {
    severity: "error",
    title: "certificate is not valid yet",
    why: "Senders refuse it before its first day (RFC 8461 §3.3, §4.2).",
    fix: "Correct the clock of the machine that issued it, and issue it again.",
  },
  "certificate-expires-soon": {
    severity: "warning",
    title: "certificate expires soon",
    why: "From that day on, senders refuse the host (RFC 8461 §3.3, §4.2).",
    fix: "Find out why it was not renewed, or whether the server has not loaded the new one.",
  },
  "certificate-self-signed": {
    severity: "error",
    title: "certificate is self-signed",
    why: "It must be issued by a certification authority that senders trust (RFC 8461 §3.3, §4.2).",
    fix: "Get one from a public certification authority, for example with ACME.",
  },
  "certificate-chain": {
    severity: "error",
    title: "intermediate certificate is missing",
    why: "The server must send the complete chain below the root (RFC 8461 §4.2, RFC 8446 §4.4.2).",
    fix:
      "Configure the file with the full chain (fullchain.pem), not the one with the certificate alone.",
  },
  "certificate-untrusted": {
    severity: "error",
    title: "certificate is from an unknown authority",
    why: "It must chain to a root that senders trust (RFC 8461 §3.3, §4.2).",
    fix: "Get one from a public certification authority, and send the complete chain.",
  },
  "certificate-weak": {
    severity: "error",
    title: "certificate has a weak signature or key",
    why: "SHA-1 and RSA keys below 2048 bits are no longer accepted (RFC 9155, RFC 8446 §4.4.2.4).",
    fix: "Get a new certificate.",
  },
  "certificate-usage": {
    severity: "error",
    title: "certificate is not for TLS servers",
    why: "Its extended key usage must allow server authentication (RFC 5280 §4.2.1.12).",
    fix: "Get a certificate for a TLS server.",
  },
  "certificate-invalid": {
    severity: "error",
    title: "certificate is refused",
    why: "Senders refuse a certificate that fails validation (RFC 8461 §3.3, §4.2).",
    fix: "Get a new certificate.",
  },
  "certificate-unread": {
    severity: "info",
    title: "certificate could not be read",
    why: "It was verified, but the second connection, which reads its expiry date, failed.",
    fix: "",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
