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
    title: "takes mail over verified TLS",
    why: "STARTTLS works, and the certificate is valid for the name of the host (RFC 8461 §4.2).",
    fix: "",
  },
  "mx-missing": {
    severity: "error",
    title: "nobody takes mail for the domain",
    why: "There is neither an MX record nor an address (RFC 5321 §5.1).",
    fix: "Publish MX records, or a null MX (0 .) when the domain has no mail.",
  },
  "mx-implicit": {
    severity: "warning",
    title: "no MX record",
    why: "Senders fall back to the address of the domain itself (RFC 5321 §5.1).",
    fix: "Publish an MX record that names the mail server.",
  },
  "mx-null": {
    severity: "info",
    title: "domain takes no mail",
    why: "A null MX says so (RFC 7505 §3); there is nothing for MTA-STS to protect.",
    fix: "",
  },
  "mx-name-invalid": {
    severity: "error",
    title: "MX record names no host",
    why:
      "It must be a host name, not an address (RFC 5321 §5.1), and no certificate fits anything else.",
    fix: "Name the mail server in the MX record.",
  },
  "mx-alias": {
    severity: "warning",
    title: "MX host is an alias",
    why:
      "MX records must not name an alias (RFC 2181 §10.3); the certificate must be for the name in the MX record.",
    fix: "Give the host A and AAAA records of its own.",
  },
  "mx-no-address": {
    severity: "error",
    title: "MX host has no address",
    why: "Senders cannot connect to it (RFC 5321 §5.1).",
    fix: "Give the host A and AAAA records, or remove the MX record.",
  },
  "mx-address-private": {
    severity: "warning",
    title: "MX host has an address that is not public",
    why: "Senders on the Internet do not reach it (RFC 6890).",
    fix: "Remove the address from the public zone, or allow it here with --allow-private.",
  },
  "mx-too-many": {
    severity: "info",
    title: "not all MX hosts or addresses were tried",
    why: "A check connects to a bounded number of addresses.",
    fix: "",
  },
  "mx-not-in-policy": {
    severity: "error",
    title: "policy does not cover the MX host",
    why: "Senders under an enforced policy do not deliver to it (RFC 8461 §4.1, §5).",
    fix: "Add an mx line for the host to the policy, then change the id; or remove the MX record.",
  },
  "mx-none-usable": {
    severity: "error",
    title: "no MX host could be used with verified TLS",
    why: "Under an enforced policy senders with MTA-STS deliver nothing (RFC 8461 §5).",
    fix: "Mend the hosts as said above; until then do not publish mode: enforce.",
  },
  "smtp-blocked": {
    severity: "info",
    title: "port 25 cannot be reached from here",
    why:
      "No connection to any address of this family came about: most access networks and clouds block the port. It says nothing about the hosts.",
    fix: "Run the check from a host that may send mail.",
  },
  "smtp-skipped": {
    severity: "info",
    title: "hosts were not connected to",
    why: "As asked by --no-smtp.",
    fix: "",
  },
  "smtp-unreachable": {
    severity: "warning",
    title: "MX host cannot be connected to",
    why: "Senders go on to the next host or try again later (RFC 5321 §5.1).",
    fix: "Have the mail server listen on the address at port 25, or remove the address from DNS.",
  },
  "smtp-timeout": {
    severity: "warning",
    title: "MX host answers too slowly",
    why: "Senders that wait no longer go on to the next host (RFC 5321 §4.5.3.2).",
    fix: "See what the mail server waits for: DNS blocklists, reverse lookups, load.",
  },
  "smtp-closed": {
    severity: "warning",
    title: "MX host closes the connection",
    why: "Senders cannot deliver to it (RFC 5321 §3.8).",
    fix: "Look into the log of the mail server; it may refuse the address this check comes from.",
  },
  "smtp-garbage": {
    severity: "warning",
    title: "MX host does not speak SMTP",
    why: "Senders cannot deliver to it (RFC 5321 §4.2).",
    fix: "See what listens at port 25.",
  },
  "smtp-greeting": {
    severity: "warning",
    title: "MX host refuses the session",
    why: "Senders that are greeted so cannot deliver (RFC 5321 §3.1).",
    fix: "Look into the log of the mail server; it may refuse the address this check comes from.",
  },
  "smtp-ehlo": {
    severity: "warning",
    title: "MX host refuses EHLO",
    why: "Without EHLO there is no STARTTLS (RFC 5321 §4.1.1.1, RFC 3207 §4).",
    fix: "Look into the log of the mail server; it may refuse the address this check comes from.",
  },
  "smtp-no-starttls": {
    severity: "error",
    title: "MX host does not offer STARTTLS",
    why: "Under the policy mail is delivered over TLS or not at all (RFC 8461 §4.2).",
    fix:
      "Turn TLS on in the mail server; if it is on, a firewall on the way may be hiding it (SMTP inspection).",
  },
  "smtp-starttls-refused": {
    severity: "error",
    title: "MX host refuses STARTTLS",
    why: "Under the policy mail is delivered over TLS or not at all (RFC 8461 §4.2, RFC 3207 §4).",
    fix: "Look into the log of the mail server: often it cannot read its certificate or key.",
  },
  "smtp-trailing": {
    severity: "error",
    title: "MX host says more between STARTTLS and TLS",
    why:
      "What comes unprotected may be an attacker's; senders drop it or the connection (RFC 3207 §4.2).",
    fix: "Update the mail server, or whatever stands before it.",
  },
  "smtp-after-tls": {
    severity: "warning",
    title: "MX host fails after TLS was agreed on",
    why: "The first command inside TLS must work (RFC 3207 §4.2).",
    fix: "Look into the log of the mail server.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
