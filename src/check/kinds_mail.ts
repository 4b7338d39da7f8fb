/**
 * The kinds of findings about MX records and the mail servers behind them.
 *
 * @module
 */

import type { FindingKind } from "./finding_kind.ts";

/** By name, in the order of the manual. */
export const MAIL_KINDS = {
  "mx-ok": {
    severity: "ok",
    title: "accepts mail over verified TLS",
    why: "STARTTLS works, and the certificate is valid for the name of the host (RFC 8461 §4.2).",
    fix: "",
  },
  "mx-missing": {
    severity: "error",
    title: "no host accepts mail for the domain",
    why: "There is neither an MX record nor an address (RFC 5321 §5.1).",
    fix: "Publish MX records, or a null MX (0 .) if the domain has no mail.",
  },
  "mx-implicit": {
    severity: "warning",
    title: "no MX record",
    why: "Senders fall back to the address of the domain itself (RFC 5321 §5.1).",
    fix: "Publish an MX record that names the mail server.",
  },
  "mx-null": {
    severity: "info",
    title: "domain accepts no mail",
    why: "A null MX says so (RFC 7505 §3). There is nothing for MTA-STS to protect.",
    fix: "",
  },
  "mx-name-invalid": {
    severity: "error",
    title: "MX record names no host",
    why:
      "It must be a host name, not an address (RFC 5321 §5.1). No certificate matches anything else.",
    fix: "Name the mail server in the MX record.",
  },
  "mx-alias": {
    severity: "warning",
    title: "MX host is an alias",
    why:
      "MX records must not point to an alias (RFC 2181 §10.3). The certificate must be for the name in the MX record.",
    fix: "Give the host its own A and AAAA records.",
  },
  "mx-no-address": {
    severity: "error",
    title: "MX host has no address",
    why: "Senders cannot connect to it (RFC 5321 §5.1).",
    fix: "Give the host A and AAAA records, or remove the MX record.",
  },
  "mx-address-private": {
    severity: "warning",
    title: "MX host has a non-public address",
    why: "Senders on the Internet cannot reach it (RFC 6890).",
    fix:
      "Remove the address from the public zone, or accept it in this check with --allow-private.",
  },
  "mx-too-many": {
    severity: "info",
    title: "not all MX hosts or addresses were tried",
    why: "A check connects to a limited number of addresses.",
    fix: "",
  },
  "mx-not-in-policy": {
    severity: "error",
    title: "policy does not cover the MX host",
    why: "Under an enforced policy, senders do not deliver to it (RFC 8461 §4.1, §5).",
    fix: "Add an mx line for the host to the policy and change the id, or remove the MX record.",
  },
  "mx-none-usable": {
    severity: "error",
    title: "no MX host has verified TLS",
    why: "Under an enforced policy, senders with MTA-STS deliver no mail at all (RFC 8461 §5).",
    fix: "Fix the hosts as described above. Until then, do not publish mode: enforce.",
  },
  "smtp-blocked": {
    severity: "info",
    title: "port 25 is not reachable from here",
    why:
      "No address of this family could be connected to. Most access networks and clouds block the port. This says nothing about the hosts.",
    fix: "Run the check from a host that is allowed to send mail.",
  },
  "smtp-skipped": {
    severity: "info",
    title: "MX hosts were not tested",
    why: "The check was run with --no-smtp.",
    fix: "",
  },
  "smtp-unreachable": {
    severity: "warning",
    title: "MX host is unreachable",
    why: "Senders try the next host, or try again later (RFC 5321 §5.1).",
    fix: "Make the mail server listen on port 25 of this address, or remove the address from DNS.",
  },
  "smtp-timeout": {
    severity: "warning",
    title: "MX host answers too slowly",
    why: "Senders that do not wait any longer try the next host (RFC 5321 §4.5.3.2).",
    fix:
      "Find out what the mail server waits for, such as DNS blocklists, reverse lookups or load.",
  },
  "smtp-closed": {
    severity: "warning",
    title: "MX host closes the connection",
    why: "Senders cannot deliver to it (RFC 5321 §3.8).",
    fix: "Check the log of the mail server. It may refuse the address this check comes from.",
  },
  "smtp-garbage": {
    severity: "warning",
    title: "MX host does not speak SMTP",
    why: "Senders cannot deliver to it (RFC 5321 §4.2).",
    fix: "Find out what listens on port 25.",
  },
  "smtp-greeting": {
    severity: "warning",
    title: "MX host refuses the session",
    why: "Senders that get this greeting cannot deliver (RFC 5321 §3.1).",
    fix: "Check the log of the mail server. It may refuse the address this check comes from.",
  },
  "smtp-ehlo": {
    severity: "warning",
    title: "MX host refuses EHLO",
    why: "Without EHLO there is no STARTTLS (RFC 5321 §4.1.1.1, RFC 3207 §4).",
    fix: "Check the log of the mail server. It may refuse the address this check comes from.",
  },
  "smtp-no-starttls": {
    severity: "error",
    title: "MX host does not offer STARTTLS",
    why: "Under the policy, mail is delivered over TLS or not at all (RFC 8461 §4.2).",
    fix:
      "Turn on TLS in the mail server. If it is on, a firewall may be hiding it (SMTP inspection).",
  },
  "smtp-starttls-refused": {
    severity: "error",
    title: "MX host refuses STARTTLS",
    why: "Under the policy, mail is delivered over TLS or not at all (RFC 8461 §4.2, RFC 3207 §4).",
    fix: "Check the log of the mail server. Often, it cannot read its certificate or key.",
  },
  "smtp-trailing": {
    severity: "error",
    title: "MX host sends text between STARTTLS and TLS",
    why:
      "Unprotected text may come from an attacker. Senders drop it, or the connection (RFC 3207 §4.2).",
    fix: "Update the mail server, or whatever is in front of it.",
  },
  "smtp-after-tls": {
    severity: "warning",
    title: "MX host fails after the TLS handshake",
    why: "The first command inside TLS must work (RFC 3207 §4.2).",
    fix: "Check the log of the mail server.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
