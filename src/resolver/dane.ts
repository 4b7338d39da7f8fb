/**
 * What DNS says of the MX hosts of a next hop: their names, and whether DANE
 * protects them (RFC 7672). MTA-STS must not override DANE (RFC 8461 §2), and
 * Postfix can use one or the other, so this is asked before `secure` is answered.
 *
 * Validation is the resolver's: an answer counts as secure when it carries the AD
 * bit. Only the next hops of enforced policies come here, so foreign DNS faults do
 * not touch domains without a policy.
 *
 * @module
 */

import type { DnsAnswer, DnsClient, MxRecord, TlsaRecord } from "../dns/types.ts";
import { formatNextHop, isHostname } from "../sts/domain.ts";
import type { NextHop } from "../sts/domain.ts";
import type { MxResult, MxView } from "./types.ts";

/** MX hosts looked at for TLSA records, most preferred first; a domain with more has more than anyone tries. */
const MAX_DANE_HOSTS = 20;

/** MX host names kept for the exact-name answer. */
const MAX_HOSTS = 100;

/** Bounds of a view's life, seconds: no look at DNS more often than this, and none less often. */
const MIN_TTL = 60;
const MAX_TTL = 3600;

/** What a host or a set of hosts comes to. `ttl` in seconds. */
type Verdict =
  | { readonly kind: "usable" | "absent"; readonly ttl: number }
  | Extract<DnsAnswer<never>, { kind: "failed" }>;

type Lookup = DnsClient["lookup"];

/** Options of {@link assessMx}. */
export interface AssessOptions {
  readonly lookup: Lookup;
  /** Whether to look for DANE; only worth it behind a resolver that validates. */
  readonly dane: boolean;
  /** ms */
  readonly now: number;
}

/**
 * Looks up the MX hosts of a next hop and their DANE state (RFC 7672 §2.2).
 *
 * @param nextHop As Postfix asks; brackets mean that the name is the host itself (RFC 8461 §3.4).
 * @param options The DNS lookup, whether DANE counts, and the time.
 * @returns The view with its life in ms, or the DNS failure that left the question open. Never rejects.
 */
export async function assessMx(nextHop: NextHop, options: AssessOptions): Promise<MxResult> {
  const mx = await lookupHosts(nextHop, options.lookup);
  if (mx.kind === "failed") return mx;
  const { hosts, secure } = mx;
  const daneMatters = options.dane && secure && nextHop.port !== null && hosts !== undefined;
  if (!daneMatters) return known(options.dane ? "insecure" : "unchecked", mx.ttl);

  const checked = hosts.slice(0, MAX_DANE_HOSTS);
  const verdicts = await Promise.all(
    checked.map((host) => assessHost(host, nextHop.port, options)),
  );
  // One usable host is enough for `dane-only`, whatever the lookups for the others came to.
  const usable = verdicts.some((verdict) => verdict.kind === "usable");
  const failed = verdicts.find((verdict) => verdict.kind === "failed");
  if (!usable && failed !== undefined) return failed;
  const ttls = verdicts.flatMap((verdict) => verdict.kind === "failed" ? [] : [verdict.ttl]);
  return known(usable ? "usable" : "absent", Math.min(mx.ttl, ...ttls));

  function known(dane: MxView["dane"], ttl: number): MxResult {
    const life = Math.min(Math.max(ttl, MIN_TTL), MAX_TTL) * 1000;
    return {
      kind: "known",
      view: {
        nextHop: formatNextHop(nextHop),
        dane,
        hosts,
        checkedAt: options.now,
        freshUntil: options.now + life,
      },
    };
  }
}

type Hosts =
  | { kind: "hosts"; hosts: readonly string[] | undefined; secure: boolean; ttl: number }
  | Extract<DnsAnswer<never>, { kind: "failed" }>;

async function lookupHosts({ domain, bracketed }: NextHop, lookup: Lookup): Promise<Hosts> {
  // RFC 7672 §2.2.2 note: a next hop given by configuration needs no MX lookup, nor its security.
  if (bracketed) return { kind: "hosts", hosts: [domain], secure: true, ttl: MAX_TTL };
  const mx = await lookup(domain, "MX");
  if (mx.kind === "failed") return mx;
  if (mx.kind === "found") {
    return { kind: "hosts", hosts: hostNames(mx.records), secure: mx.secure, ttl: mx.ttl };
  }
  if (mx.kind === "nxdomain") {
    return { kind: "hosts", hosts: undefined, secure: mx.secure, ttl: mx.ttl };
  }
  // No MX record: the domain itself is the host if it has an address (RFC 5321 §5.1).
  const address = await lookupAddress(domain, lookup);
  if (address.kind === "failed") return address;
  const hosts = address.kind === "found" ? [domain] : undefined;
  return { kind: "hosts", hosts, secure: mx.secure, ttl: Math.min(mx.ttl, address.ttl) };
}

/** Host names by preference; a null MX (RFC 7505) is the root, which is no host name, and leaves none. */
function hostNames(records: readonly MxRecord[]): string[] {
  const sorted = [...records].sort((a, b) => a.preference - b.preference);
  const names = sorted.map((record) => record.exchange).filter(isHostname);
  return [...new Set(names)].slice(0, MAX_HOSTS);
}

/** A host's DANE state (RFC 7672 §2.2.2, §2.2.3). */
async function assessHost(
  host: string,
  port: number | null,
  { lookup }: AssessOptions,
): Promise<Verdict> {
  const address = await lookupAddress(host, lookup);
  if (address.kind === "failed") return address;
  if (address.kind !== "found") return { kind: "absent", ttl: address.ttl };

  const bases: string[] = [];
  if (address.secure) {
    // The expanded name is tried first, then the name in the MX record.
    bases.push(...new Set([address.owner, host]));
  } else if (address.owner !== host) {
    // An alias out of a signed zone into an unsigned one still vouches for its own name.
    const alias = await lookup(host, "CNAME");
    if (alias.kind === "failed") return alias;
    if (alias.kind === "found" && alias.secure) bases.push(host);
  }
  let ttl = address.ttl;
  for (const base of bases) {
    const tlsa = await lookup(`_${port}._tcp.${base}`, "TLSA");
    if (tlsa.kind === "failed") return tlsa;
    ttl = Math.min(ttl, tlsa.ttl);
    if (tlsa.kind !== "found" || !tlsa.secure) continue;
    return { kind: tlsa.records.some(isUsableTlsa) ? "usable" : "absent", ttl };
  }
  return { kind: "absent", ttl };
}

/** A or AAAA, whichever answers; the fault of one family is harmless when the other has an address. */
async function lookupAddress(host: string, lookup: Lookup): Promise<DnsAnswer<string>> {
  const [v4, v6] = await Promise.all([lookup(host, "A"), lookup(host, "AAAA")]);
  const found = [v4, v6].filter((answer) => answer.kind === "found");
  return found.find((answer) => answer.secure) ?? found[0] ??
    [v4, v6].find((answer) => answer.kind === "failed") ?? v4;
}

/** Octets of association data for each matching type that is a digest. */
const DIGEST_BYTES: Readonly<Record<number, number>> = { 1: 32, 2: 64 };

/**
 * Whether a TLSA record can be used for SMTP (RFC 7672 §3.1, §3.1.3): DANE-TA or
 * DANE-EE, a known selector, and a known matching type with data of its length.
 *
 * @param record The record as published.
 */
export function isUsableTlsa({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== 2 && usage !== 3) return false;
  if (selector !== 0 && selector !== 1) return false;
  if (matchingType === 0) return data.length > 0;
  return data.length === DIGEST_BYTES[matchingType];
}
