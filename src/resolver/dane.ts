/**
 * What DNS says of the MX hosts of a next hop: their names, and whether DANE
 * protects them (RFC 7672). MTA-STS must not override DANE (RFC 8461 §2), and
 * Postfix can use one or the other, so this is asked before `secure` is answered.
 *
 * The DNS resolver validates: an answer counts as secure when it carries the AD
 * bit. Only the next hops of enforced policies come here, so foreign DNS faults do
 * not touch domains without a policy.
 *
 * A host whose addresses cannot be looked up is unusable and skipped (RFC 7672 §2.2, as Postfix
 * does), so that one broken host does not hold up a domain. The view names it, because its DANE
 * state is not known.
 *
 * @module
 */

import type { DnsAnswer, MxRecord } from "../dns/types.ts";
import { formatNextHop } from "../sts/domain.ts";
import { isDomainName } from "../base/host.ts";
import type { NextHop } from "../sts/domain.ts";
import { createAsker } from "./asker.ts";
import type { Asker, AskerOptions } from "./asker.ts";
import { isUsableTlsa } from "./tlsa.ts";
import type { MxResult, MxView, UnusableTlsa } from "./types.ts";

/** MX hosts looked at, most preferred first. The others are in no view, so no mail is sent to them unseen. */
const MAX_HOSTS = 100;

/** Hosts looked at side by side: a domain with a hundred hosts must not use up the DNS resolver. */
const HOSTS_AT_ONCE = 20;

/**
 * How long hosts that do not answer are waited for once another one has an address, ms: a resolver that
 * has to try a second and a third name server has answered by then, and of the ten seconds that a query
 * has by default most are left.
 */
const HOST_WAIT_MS = 3000;

/** Bounds of a view's life, seconds: no look at DNS more often than this, and none less often. */
const MIN_TTL = 60;
const MAX_TTL = 3600;

type Failed = Extract<DnsAnswer<never>, { kind: "failed" }>;

/** The DANE state of a host. `ttl` in seconds. */
type Verdict =
  | { readonly kind: "usable" | "unknown-port" | "no-address"; readonly ttl: number }
  | { readonly kind: "absent"; readonly ttl: number; readonly unusable?: UnusableTlsa }
  | { readonly kind: "skipped"; readonly failure: Failed }
  | Failed;

/** Options of {@link assessMx}. */
export interface AssessOptions extends Omit<AskerOptions, "patience"> {
  /** Whether to look for DANE; only worth it behind a resolver that validates. */
  readonly dane: boolean;
  /** The view before: its hosts are asked about together with the MX records, to save round trips. */
  readonly previous?: MxView | undefined;
}

/**
 * Looks up the MX hosts of a next hop and their DANE state (RFC 7672 §2.2).
 *
 * @param nextHop As Postfix asks; brackets mean that the name is the host itself (RFC 8461 §3.4).
 * @param options The DNS lookup, whether DANE counts, and the time.
 * @returns The view with its life in ms, or the DNS failure that left the question open. Never rejects.
 */
export async function assessMx(nextHop: NextHop, options: AssessOptions): Promise<MxResult> {
  const { dane, clock, previous } = options;
  const checkedAt = clock.now();
  const asker = createAsker({ ...options, patience: HOST_WAIT_MS });
  if (dane) asker.askAhead(nextHop.port, previous);
  const mx = await lookupHosts(nextHop, asker);
  if (mx.kind === "failed") return mx;
  const { hosts } = mx;
  const nothing = { dane: "absent", daneHosts: [], skipped: [], ttl: mx.ttl } as const;
  if (!dane) return known({ ...nothing, dane: "unchecked" });
  if (!mx.secure || hosts === undefined) return known({ ...nothing, dane: "insecure" });

  asker.startPatience();
  const verdicts = await assessHosts(hosts, (host) => assessHost(host, nextHop.port, asker));
  asker.endPatience();
  const summary = summarize(verdicts);
  if (summary.kind === "failed") return summary;
  const { skippedFor, unusable } = summary;
  return {
    ...known({ ...summary, ttl: Math.min(mx.ttl, summary.ttl) }),
    ...(skippedFor && { skippedFor }),
    ...(unusable.length > 0 && { unusable }),
  };

  function known(
    { ttl, dane, daneHosts, skipped }:
      & Pick<MxView, "dane" | "daneHosts" | "skipped">
      & { ttl: number },
  ): Extract<MxResult, { kind: "known" }> {
    const life = Math.min(Math.max(ttl, MIN_TTL), MAX_TTL) * 1000;
    const view: MxView = {
      nextHop: formatNextHop(nextHop),
      dane,
      hosts,
      daneHosts,
      skipped,
      validated: dane !== "unchecked" && asker.isValidated(),
      checkedAt,
      freshUntil: checkedAt + life,
    };
    return { kind: "known", view };
  }
}

type Hosts =
  | { kind: "hosts"; hosts: readonly string[] | undefined; secure: boolean; ttl: number }
  | Failed;

async function lookupHosts({ domain, bracketed }: NextHop, asker: Asker): Promise<Hosts> {
  // RFC 7672 §2.2.2 note: a next hop given by configuration needs no MX lookup, nor its security.
  if (bracketed) return { kind: "hosts", hosts: [domain], secure: true, ttl: MAX_TTL };
  const mx = await asker.ask(domain, "MX");
  if (mx.kind === "failed") return mx;
  if (mx.kind === "found") {
    return { kind: "hosts", hosts: hostNames(mx.records), secure: mx.secure, ttl: mx.ttl };
  }
  if (mx.kind === "nxdomain") {
    return { kind: "hosts", hosts: undefined, secure: mx.secure, ttl: mx.ttl };
  }
  // No MX record: the domain itself is the host if it has an address (RFC 5321 §5.1).
  const address = await asker.askAddress(domain);
  if (address.kind === "failed") return address;
  const hosts = address.kind === "found" ? [domain] : undefined;
  return { kind: "hosts", hosts, secure: mx.secure, ttl: Math.min(mx.ttl, address.ttl) };
}

/**
 * Host names by preference, those with an underscore included, for Postfix takes them; a null MX
 * (RFC 7505) is the root, which is no host name, and leaves none.
 */
function hostNames(records: readonly MxRecord[]): string[] {
  const sorted = [...records].sort((a, b) => a.preference - b.preference);
  const names = sorted.map((record) => record.exchange).filter(isDomainName);
  return [...new Set(names)].slice(0, MAX_HOSTS);
}

/** Looks at hosts in their order, and no further once one has DANE. @returns The verdicts by host. */
async function assessHosts(
  hosts: readonly string[],
  assess: (host: string) => Promise<Verdict>,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  const next = hosts.values();
  let isDecided = false;
  async function worker(): Promise<void> {
    for (const host of next) {
      const verdict = await assess(host);
      verdicts.set(host, verdict);
      isDecided ||= verdict.kind === "usable";
      if (isDecided) return;
    }
  }
  await Promise.all(Array.from({ length: Math.min(hosts.length, HOSTS_AT_ONCE) }, worker));
  return verdicts;
}

/** A host's DANE state (RFC 7672 §2.2.2, §2.2.3). */
async function assessHost(host: string, port: number | null, asker: Asker): Promise<Verdict> {
  const address = await asker.askAddress(host);
  if (address.kind === "failed") return { kind: "skipped", failure: address };
  if (address.kind !== "found") return { kind: "no-address", ttl: address.ttl };

  const bases: string[] = [];
  if (address.secure) {
    // The expanded name is tried first, then the name in the MX record.
    bases.push(...new Set([address.owner, host]));
  } else if (address.owner !== host) {
    // An alias out of a signed zone into an unsigned one still vouches for its own name.
    const alias = await asker.ask(host, "CNAME");
    if (alias.kind === "failed") return alias;
    if (alias.kind === "found" && alias.secure) bases.push(host);
  }
  if (bases.length > 0 && port === null) return { kind: "unknown-port", ttl: address.ttl };
  let ttl = address.ttl;
  for (const base of bases) {
    const tlsa = await asker.ask(`_${port}._tcp.${base}`, "TLSA");
    if (tlsa.kind === "failed") return tlsa;
    ttl = Math.min(ttl, tlsa.ttl);
    if (tlsa.kind !== "found" || !tlsa.secure) continue;
    const { records } = tlsa;
    if (records.some(isUsableTlsa)) return { kind: "usable", ttl };
    return { kind: "absent", ttl, unusable: { host, base, records } };
  }
  return { kind: "absent", ttl };
}

/** The DANE state of all hosts together: one usable host decides, even if others failed. */
function summarize(verdicts: ReadonlyMap<string, Verdict>) {
  const all = [...verdicts.values()];
  const of = (kind: Verdict["kind"]) =>
    [...verdicts].filter(([, verdict]) => verdict.kind === kind).map(([host]) => host);
  const [daneHosts, skipped] = [of("usable"), of("skipped")];
  const skippedFor = all.find((verdict) => verdict.kind === "skipped")?.failure;
  const failure = all.find((verdict) => verdict.kind === "failed") ??
    // Where no other host has an address, there is no other host.
    (of("absent").length + of("unknown-port").length === 0 ? skippedFor : undefined);
  if (daneHosts.length === 0 && failure !== undefined) return failure;
  const ttls = all.flatMap((verdict) => "ttl" in verdict ? [verdict.ttl] : []);
  const dane = daneHosts.length > 0
    ? "usable" as const
    : of("unknown-port").length > 0
    ? "unknown-port" as const
    : "absent" as const;
  // A skipped host is looked up again soon, unless the verdict stands without it.
  const ttl = dane === "usable" || skipped.length === 0 ? Math.min(...ttls) : MIN_TTL;
  const unusable = all.flatMap((verdict) =>
    verdict.kind === "absent" && verdict.unusable !== undefined ? [verdict.unusable] : []
  );
  return { kind: "summary" as const, dane, daneHosts, skipped, skippedFor, unusable, ttl };
}
