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
    title: "policy host works",
    why: "Senders fetch the policy from it and verify its certificate (RFC 8461 §3.3).",
    fix: "",
  },
  "host-no-address": {
    severity: "error",
    title: "policy host has no address",
    why: "Senders fetch the policy from mta-sts.<domain> and nowhere else (RFC 8461 §3.3).",
    fix: "Publish A and AAAA records, or a CNAME, for mta-sts.<domain>.",
  },
  "host-address-private": {
    severity: "error",
    title: "policy host has a non-public address",
    why: "Senders on the Internet cannot reach it, or refuse to connect to it (RFC 6890).",
    fix:
      "Remove the address from the public zone, or accept it in this check with --allow-private.",
  },
  "host-alias": {
    severity: "info",
    title: "policy host is an alias",
    why: "The certificate must still be for mta-sts.<domain> (RFC 8461 §8.2).",
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
    why: "Senders without IPv4 cannot fetch the policy, but they are rare (RFC 8461 §3.3).",
    fix: "",
  },
  "host-unreachable": {
    severity: "error",
    title: "policy host is unreachable",
    why: "Senders that try this address get no policy (RFC 8461 §3.3).",
    fix: "Make the web server listen on port 443 of this address, or remove the address from DNS.",
  },
  "host-untested": {
    severity: "info",
    title: "addresses of this family were not reached",
    why: "This network seems to have no route to any of them. This says nothing about the host.",
    fix: "Run the check from a network that supports this family.",
  },
  "https-ok": {
    severity: "ok",
    title: "policy was fetched",
    why: "The answer has status 200 and media type text/plain, without a redirect (RFC 8461 §3.3).",
    fix: "",
  },
  "https-redirect": {
    severity: "error",
    title: "policy host redirects",
    why: "Senders must not follow redirects (RFC 8461 §3.3).",
    fix:
      "Serve the file itself at /.well-known/mta-sts.txt, and exempt this path from redirect rules.",
  },
  "https-status": {
    severity: "error",
    title: "HTTP status is not 200",
    why: "Senders accept a policy only with status 200 (RFC 8461 §3.3).",
    fix: "Serve the file at /.well-known/mta-sts.txt on the host mta-sts.<domain>.",
  },
  "https-media-type": {
    severity: "error",
    title: "media type is not text/plain",
    why: "Senders check the media type and accept no other (RFC 8461 §3.2).",
    fix: "Make the web server send Content-Type: text/plain for the file.",
  },
  "https-media-type-twice": {
    severity: "warning",
    title: "media type is sent twice",
    why:
      "Strict senders refuse an answer with two Content-Type lines (RFC 9110 §5.3, RFC 8461 §3.2).",
    fix:
      "In nginx, write 'default_type text/plain;' in place of 'add_header Content-Type text/plain;'.",
  },
  "https-encoding": {
    severity: "error",
    title: "answer has an unrequested content coding",
    why: "Senders that do not ask for compression cannot read it (RFC 9110 §12.5.3).",
    fix: "Make the web server respect Accept-Encoding, or turn off compression for the file.",
  },
  "https-too-large": {
    severity: "error",
    title: "policy is too large",
    why: "Senders read at most 64 KiB (RFC 8461 §3.3).",
    fix: "Serve nothing but the policy. Replace long lists of hosts with wildcards.",
  },
  "https-body": {
    severity: "error",
    title: "HTTP answer is incomplete",
    why: "Senders ignore a policy that they cannot read completely (RFC 8461 §3.3).",
    fix: "Check the log of the web server.",
  },
  "https-timeout": {
    severity: "error",
    title: "no answer in time",
    why: "Senders give up after at most one minute, many much sooner (RFC 8461 §3.3).",
    fix: "Check the log of the web server.",
  },
  "https-failed": {
    severity: "error",
    title: "policy could not be fetched",
    why: "Senders that get no policy deliver as if there were none (RFC 8461 §3.3).",
    fix: "Check the log of the web server.",
  },
  "https-slow": {
    severity: "warning",
    title: "answer is slow",
    why: "Some senders wait only a few seconds for a policy (RFC 8461 §3.3).",
    fix: "Serve the file from a faster host, or one that does not go to sleep.",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;
