/**
 * Judges the policy host and its response (RFC 8461 §3.3): addresses, TLS at each of them, and the result
 * of one GET. `policy.ts` judges the policy itself.
 *
 * It reports a fault once: a fault at an address explains a failed fetch.
 *
 * @module
 */

import { mediaTypes } from "../sts/media_type.ts";
import { quoteText } from "../base/quote_text.ts";
import type { FailedFetch } from "../https/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";
import { absence, addressFindings } from "./dns_findings.ts";
import { type Finding, finding, type FindingId } from "./finding.ts";
import type { AddressSeen, HostSeen, StsSeen } from "./gather.ts";
import { howUnconnected, judgeUnconnected, tlsFindings } from "./tls_findings.ts";

/** Impatient senders may give up on a slower policy, ms. */
const SLOW_MS = 3000;

const NAME_QUOTE_LENGTH = 100;

/** The finding about a failed fetch, if no other finding explains the failure. */
const FETCH_FINDINGS: Readonly<Record<FetchFailure, FindingId>> = {
  "dns": "https-failed",
  "no-address": "host-no-address",
  "address-refused": "host-address-private",
  "connect": "https-failed",
  "tls": "https-failed",
  "timeout": "https-timeout",
  "redirect": "https-redirect",
  "status": "https-status",
  "encoding": "https-encoding",
  "too-large": "https-too-large",
  "body": "https-body",
  "certificate-name": "certificate-name",
  "certificate-expired": "certificate-expired",
  "certificate-not-yet-valid": "certificate-not-yet-valid",
  "certificate-untrusted": "certificate-untrusted",
  "certificate-weak": "certificate-weak",
  "certificate-usage": "certificate-usage",
  "certificate-invalid": "certificate-invalid",
  "media-type": "https-media-type",
  "policy-syntax": "https-failed",
};

/** Judges the host, then its response. `now` in ms. */
export function judgePolicyHost(sts: StsSeen, now: number): Finding[] {
  const tls = judgeAddresses(sts, now);
  const explained = sts.host.addresses.every(({ refused }) => refused !== undefined) ||
    tls.some(({ severity }) => severity === "error");
  return [...judgeNames(sts.host), ...tls, ...judgeAnswer(sts, explained)];
}

function at(host: string, id: FindingId, seen: string): Finding {
  return finding(id, { group: "host", subject: host, seen });
}

function judgeNames(host: HostSeen): Finding[] {
  const { name, v4, v6, addresses } = host;
  const failed = addressFindings(host, "host");
  const answer = [v4, v6].find((one) => one.kind === "found");
  if (answer?.kind !== "found") {
    return failed.length > 0 ? failed : [at(name, "host-no-address", absence(v4, "A or AAAA"))];
  }
  const found = [...failed];
  if (answer.owner !== name) {
    found.push(at(name, "host-alias", `alias of ${quoteText(answer.owner, NAME_QUOTE_LENGTH)}`));
  }
  const some = addresses.map(({ address }) => address).join(", ");
  if (v4.kind !== "found" && v4.kind !== "failed") found.push(at(name, "host-no-ipv4", some));
  if (v6.kind !== "found" && v6.kind !== "failed") found.push(at(name, "host-no-ipv6", some));
  for (const { address, refused } of addresses) {
    if (refused !== undefined) {
      found.push(at(`${name} [${address}]`, "host-address-private", refused));
    }
  }
  return found;
}

function judgeAddresses({ host, outcome, trace }: StsSeen, now: number): Finding[] {
  const { name, addresses } = host;
  const found: Finding[] = [];
  for (const { address, probe } of addresses) {
    if (probe === undefined || probe.kind === "unconnected") continue;
    const subject = `${name} [${address}]`;
    found.push(...tlsFindings(probe, { group: "host", subject, now, okId: "host-ok" }));
  }
  const { faults, untested } = judgeUnconnected(addresses);
  const unreachable = (seen: AddressSeen) =>
    at(`${name} [${seen.address}]`, "host-unreachable", howUnconnected([seen]));
  found.push(...faults.map(unreachable));
  // A response came, or TLS worked over the other family: the host is up, so the fault is on this side.
  const up = outcome.kind === "fetched" || trace.status !== undefined || found.length > 0;
  for (const { family, addresses: all } of untested) {
    if (!up) found.push(...all.map(unreachable));
    else found.push(at(name, "host-untested", `${family}: ${howUnconnected(all)}`));
  }
  return found;
}

function judgeAnswer({ host, outcome, trace }: StsSeen, explained: boolean): Finding[] {
  const subject = trace.url === "" ? host.name : trace.url;
  if (outcome.kind === "failed") {
    return explained && trace.status === undefined ? [] : [judgeFailure(subject, outcome)];
  }
  const elapsed = trace.elapsed ?? 0;
  const duration = `${(elapsed / 1000).toFixed(1)} s`;
  const found = [at(subject, "https-ok", `${outcome.bytes} bytes in ${duration}`)];
  const { mediaType = "" } = trace;
  if (mediaTypes(mediaType).length > 1) {
    found.push(at(subject, "https-media-type-twice", quoteText(mediaType, NAME_QUOTE_LENGTH)));
  }
  if (elapsed > SLOW_MS) found.push(at(subject, "https-slow", duration));
  return found;
}

function judgeFailure(subject: string, { reason, detail }: FailedFetch): Finding {
  return at(subject, FETCH_FINDINGS[reason], detail);
}
