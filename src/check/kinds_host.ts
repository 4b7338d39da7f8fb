/**
 * The kinds of findings about the policy host and its HTTPS answer.
 *
 * @module
 */

import type { FindingKind } from "./finding_kind.ts";

/** By name, in the order of the manual. */
export const HOST_KINDS = {
  "host-ok": {
    severity: "ok",
    title: "answers as it should",
    why: "Senders fetch the policy from it and trust it by its certificate (RFC 8461 §3.3).",
    fix: "",
  },
  "host-no-address": {
    severity: "error",
    title: "policy host has no address",
    why: "The policy is fetched from mta-sts.<domain> and nowhere else (RFC 8461 §3.3).",
    fix: "Publish A and AAAA records, or a CNAME, for mta-sts.<domain>.",
  },
  "host-address-private": {
    severity: "error",
    title: "policy host has an address that is not public",
    why: "Senders on the Internet do not reach it, or must not connect to it (RFC 6890).",
    fix: "Remove the address from the public zone, or allow it here with --allow-private.",
  },
  "host-alias": {
    severity: "info",
    title: "policy host is an alias",
    why: "The certificate must be for mta-sts.<domain> all the same (RFC 8461 §8.2).",
    fix: "",
  },
  "host-no-ipv4": {
    severity: "warning",
    title: "policy host has no IPv4 address",
    why: "Senders without IPv6 cannot fetch the policy (RFC 8461 §3.3).",
    fix: "Add an A record.",
  },
  "host-no-ipv6": {
    severity: "info",
    title: "policy host has no IPv6 address",
    why: "Senders without IPv4 are still rare (RFC 8461 §3.3).",
    fix: "",
  },
  "host-unreachable": {
    severity: "error",
    title: "policy host cannot be connected to",
    why: "A sender that tries this address gets no policy (RFC 8461 §3.3).",
    fix: "Have the web server listen on the address at port 443, or remove the address from DNS.",
  },
  "host-untested": {
    severity: "info",
    title: "addresses of this family could not be tried",
    why: "There seems to be no way from here to any of them; that says nothing about the host.",
    fix: "Run the check from a network that has this family.",
  },
  "https-ok": {
    severity: "ok",
    title: "policy was fetched",
    why: "One GET without redirects, status 200, media type text/plain (RFC 8461 §3.3).",
    fix: "",
  },
  "https-redirect": {
    severity: "error",
    title: "policy host redirects",
    why: "Senders must not follow redirects (RFC 8461 §3.3).",
    fix: "Serve the file itself at /.well-known/mta-sts.txt; exempt this path from redirect rules.",
  },
  "https-status": {
    severity: "error",
    title: "HTTP status is not 200",
    why: "Only a policy that comes with status 200 counts (RFC 8461 §3.3).",
    fix: "Serve the file at /.well-known/mta-sts.txt for the host mta-sts.<domain>.",
  },
  "https-media-type": {
    severity: "error",
    title: "media type is not text/plain",
    why: "Senders check the media type and refuse any other (RFC 8461 §3.2).",
    fix: "Have the web server send Content-Type: text/plain for the file.",
  },
  "https-encoding": {
    severity: "error",
    title: "answer has a content coding nobody asked for",
    why: "A sender that asks for no compression cannot read it (RFC 9110 §12.5.3).",
    fix: "Have the web server heed Accept-Encoding, or not compress the file.",
  },
  "https-too-large": {
    severity: "error",
    title: "policy is too large",
    why: "Senders read 64 KiB at most (RFC 8461 §3.3).",
    fix: "Serve the policy alone; use wildcards for long lists of hosts.",
  },
  "https-body": {
    severity: "error",
    title: "answer is not complete HTTP",
    why: "A policy that cannot be read whole does not count (RFC 8461 §3.3).",
    fix: "Look into the log of the web server.",
  },
  "https-timeout": {
    severity: "error",
    title: "no answer in time",
    why: "Senders give up after a minute at most, many much sooner (RFC 8461 §3.3).",
    fix: "Look into the log of the web server.",
  },
  "https-failed": {
    severity: "error",
    title: "policy could not be fetched",
    why: "Without the policy senders deliver as if there were none (RFC 8461 §3.3).",
    fix: "Look into the log of the web server.",
  },
  "https-slow": {
    severity: "warning",
    title: "answer is slow",
    why: "Some senders wait for a policy for a few seconds only (RFC 8461 §3.3).",
    fix: "Serve the file from a host that is always awake.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
