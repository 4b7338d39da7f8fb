/**
 * The findings about TLS at the addresses of hosts: the same rules for MX hosts (RFC 8461 §4.2) and
 * policy hosts (§3.3).
 *
 * @module
 */

import { quoteText } from "../base/quote_text.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { type Finding, finding, type FindingId, type Group } from "./finding.ts";
import type { AddressSeen } from "./gather.ts";
import type { Presented } from "./presented.ts";
import type { TlsProbe } from "./tls_probe.ts";
import { count } from "./wording.ts";

/** A certificate should be renewed this long before it expires, ms; a short-lived one before its last quarter. */
const RENEWAL_MS = 14 * 86_400_000;
const RENEWAL_SHARE = 1 / 4;

const DAY_MS = 86_400_000;

/** Enough of a name in a certificate, UTF-16 units. */
const NAME_QUOTE_LENGTH = 64;

type Failed = Extract<TlsProbe, { kind: "failed" }>;

/** What was probed, and when it is judged (ms). */
export interface ProbeContext {
  readonly group: Group;
  /** Host and address. */
  readonly subject: string;
  readonly now: number;
}

/**
 * The findings about TLS on a connection.
 *
 * @param probe The result, unless it is `unconnected`.
 * @param options.okId The finding for a good result.
 */
export function tlsFindings(
  probe: Exclude<TlsProbe, { kind: "unconnected" }>,
  { okId, ...context }: ProbeContext & { readonly okId: FindingId },
): Finding[] {
  const certificate = leafOf(probe.presented);
  const at = (id: FindingId, seen: string) => finding(id, { ...context, seen });
  if (probe.kind === "failed") return [at(refine(probe, certificate), probe.detail)];
  const found = [at(okId, describe(probe.presented, certificate))];
  if (certificate === undefined) {
    return [...found, at("certificate-unread", "the second connection failed")];
  }
  const left = certificate.notAfter - context.now;
  const life = certificate.notAfter - certificate.notBefore;
  if (left < Math.min(RENEWAL_MS, life * RENEWAL_SHARE)) {
    const days = Math.floor(left / DAY_MS);
    found.push(
      at("certificate-expires-soon", `on ${day(certificate.notAfter)}, in ${count(days, "day")}`),
    );
  }
  return found;
}

/** The host's own certificate, parsed. */
export function leafOf(presented: Presented | undefined): Certificate | undefined {
  const [leaf] = presented?.chain ?? [];
  return leaf === undefined ? undefined : readCertificate(leaf);
}

/** The verifier only says that the name or the issuer is wrong. The certificate shows why. */
function refine(probe: Failed, certificate: Certificate | undefined): FindingId {
  if (certificate === undefined) return probe.id;
  if (probe.id === "certificate-name" && !certificate.hasDnsNames) {
    return "certificate-cn-only";
  }
  if (probe.id !== "certificate-untrusted") return probe.id;
  if (certificate.selfIssued) return "certificate-self-signed";
  return probe.presented?.chain.length === 1 ? "certificate-chain" : "certificate-untrusted";
}

function describe(presented: Presented | undefined, certificate: Certificate | undefined): string {
  const protocol = presented?.protocol ?? "TLS";
  if (certificate === undefined) return `${protocol}, certificate valid`;
  const issuer = quoteText(certificate.issuer, NAME_QUOTE_LENGTH);
  return `${protocol}, certificate of ${issuer} valid until ${day(certificate.notAfter)}`;
}

/** A calendar date, UTC. */
function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Addresses without a connection, by the likely place of the fault. */
export interface Unconnected {
  /** Addresses at which the host is at fault. */
  readonly faults: readonly AddressSeen[];
  /** Families, `IPv4` or `IPv6`, that are not reachable from here, with their addresses. */
  readonly untested: readonly {
    readonly family: string;
    readonly addresses: readonly AddressSeen[];
  }[];
}

/**
 * Distinguishes hosts that are down from a network that blocks connections. If no address of a family
 * accepted or refused a connection, the fault is assumed to be on this side.
 */
export function judgeUnconnected(addresses: readonly AddressSeen[]): Unconnected {
  const faults: AddressSeen[] = [];
  const untested: Unconnected["untested"][number][] = [];
  for (const family of ["IPv4", "IPv6"]) {
    const tried = addresses.filter(({ address, probe }) =>
      probe !== undefined && address.includes(":") === (family === "IPv6")
    );
    const failed = tried.filter(({ probe }) => probe?.kind === "unconnected");
    const refused = failed.some(({ probe }) =>
      probe?.kind === "unconnected" && probe.how === "refused"
    );
    if (failed.length < tried.length || refused) faults.push(...failed);
    else if (failed.length > 0) untested.push({ family, addresses: failed });
  }
  return { faults, untested };
}

/** How the attempts to connect ended, each result once. */
export function howUnconnected(addresses: readonly AddressSeen[]): string {
  const details = addresses.map(({ probe }) => probe?.kind === "unconnected" ? probe.detail : "");
  return [...new Set(details)].join(", ");
}
