/**
 * Collects everything that a sender looks at before it delivers to a domain, and what else the owner
 * should know: records, policy host, MX hosts. `report.ts` judges it.
 *
 * Everything runs concurrently. Every lookup, fetch and connection has its own time limit.
 *
 * @module
 */

import type { DnsAnswer, DnsClient, DnssecProbe, MxRecord, TlsaRecord } from "../dns/types.ts";
import type { AddressGuard } from "../base/address_guard.ts";
import type { FetchOutcome, FetchPolicy, FetchTrace } from "../https/types.ts";
import { policyHost, txtName } from "../sts/domain.ts";
import { isHostname } from "../base/host.ts";
import { selectTxtRecord } from "../sts/txt_record.ts";
import type { ProbeTls, TlsProbe } from "./tls_probe.ts";

/** MX hosts that are tried, most preferred first. No sender tries more. */
export const MX_HOSTS_MAX = 20;

/** Addresses of a host that are tried, for each family. */
export const ADDRESSES_MAX = 4;

const HTTPS_PORT = 443;

/** DNS, HTTPS and TLS. */
export interface CheckEffects {
  readonly dns: Pick<DnsClient, "lookup" | "probe">;
  readonly fetchPolicy: FetchPolicy;
  readonly probeTls: ProbeTls;
  readonly guard: AddressGuard;
}

/** What to check. */
export interface GatherOptions {
  /** Check only the MX hosts. */
  readonly mxOnly: boolean;
  /** Connect to MX hosts. */
  readonly smtp: boolean;
  /** Port of the MX hosts: 25, except in test networks. */
  readonly smtpPort: number;
  /** Connect to policy hosts in addition to fetching from them; pointless behind a proxy. */
  readonly directHttps: boolean;
}

/** One address of a host. */
export interface AddressSeen {
  readonly address: string;
  /** The private range of the address, if it was not tried for that reason. */
  readonly refused?: string;
  /** Absent if it was not tried. */
  readonly probe?: TlsProbe;
}

/** A host with its addresses. */
export interface HostSeen {
  readonly name: string;
  readonly v4: DnsAnswer<string>;
  readonly v6: DnsAnswer<string>;
  readonly addresses: readonly AddressSeen[];
}

/** An MX host. */
export interface MailHostSeen extends HostSeen {
  readonly preference: number;
  /** Owner of the TLSA records, and the answer about them. */
  readonly tlsa: { readonly owner: string; readonly answer: DnsAnswer<TlsaRecord> };
}

/** The mail exchangers of a domain. */
export interface MailSeen {
  readonly answer: DnsAnswer<MxRecord>;
  /** There is no MX record: the domain itself is the host if it has an address (RFC 5321 §5.1). */
  readonly implicit: boolean;
  /** Exchanges that are not host names. */
  readonly invalid: readonly string[];
  readonly hosts: readonly MailHostSeen[];
  /** Hosts beyond {@link MX_HOSTS_MAX}. */
  readonly left: readonly string[];
}

/** The MTA-STS side of a domain. */
export interface StsSeen {
  readonly txt: DnsAnswer<string>;
  /** Wrong names with an MTA-STS record; looked up only if there is none at the right name. */
  readonly strays: readonly string[];
  readonly host: HostSeen;
  readonly outcome: FetchOutcome;
  readonly trace: FetchTrace;
  readonly tlsrpt: DnsAnswer<string>;
}

/** Everything seen for one domain. */
export interface DomainSeen {
  readonly domain: string;
  readonly dnssec: DnssecProbe;
  /** Absent if only the MX hosts were checked. */
  readonly sts?: StsSeen;
  readonly mail: MailSeen;
  readonly options: GatherOptions;
}

/** Collects everything for one domain. Never rejects. */
export async function gather(
  domain: string,
  effects: CheckEffects,
  options: GatherOptions & { readonly dnssec: DnssecProbe },
): Promise<DomainSeen> {
  const [sts, mail] = await Promise.all([
    options.mxOnly ? undefined : gatherSts(domain, effects, options),
    gatherMail(domain, effects, options),
  ]);
  const { dnssec } = options;
  return { domain, dnssec, ...(sts && { sts }), mail, options };
}

async function gatherSts(
  domain: string,
  effects: CheckEffects,
  options: GatherOptions,
): Promise<StsSeen> {
  const { lookup } = effects.dns;
  const trace: FetchTrace = { url: "", addresses: [], refused: [] };
  const [[txt, strays], host, outcome, tlsrpt] = await Promise.all([
    lookup(txtName(domain), "TXT").then(async (answer) =>
      [answer, await findStrays(domain, answer, lookup)] as const
    ),
    gatherPolicyHost(policyHost(domain), effects, options),
    effects.fetchPolicy(domain, { trace }),
    lookup(`_smtp._tls.${domain}`, "TXT"),
  ]);
  return { txt, strays, host, outcome, trace, tlsrpt };
}

async function gatherPolicyHost(
  host: string,
  { dns, guard, probeTls }: CheckEffects,
  { directHttps }: GatherOptions,
): Promise<HostSeen> {
  const target = { host, port: HTTPS_PORT, smtp: false };
  const answers = await lookupAddresses(host, dns.lookup);
  const addresses = await tryAddresses(
    answers,
    guard,
    (address) => directHttps ? probeTls({ ...target, address }) : undefined,
  );
  return { name: host, ...answers, addresses };
}

/** Looks where records end up by mistake: at the domain, at the policy host, and with the domain appended twice. */
async function findStrays(
  domain: string,
  txt: DnsAnswer<string>,
  lookup: DnsClient["lookup"],
): Promise<string[]> {
  if (txt.kind === "failed" || (txt.kind === "found" && isMeant(txt.records))) return [];
  const names = [domain, policyHost(domain), `${txtName(domain)}.${domain}`];
  const answers = await Promise.all(names.map((name) => lookup(name, "TXT")));
  return names.filter((_name, index) => {
    const answer = answers[index];
    return answer?.kind === "found" && isMeant(answer.records);
  });
}

/** Whether one of the records is meant for MTA-STS, valid or not. */
function isMeant(records: readonly string[]): boolean {
  const selection = selectTxtRecord(records);
  return selection.kind === "found" || selection.reason !== "absent";
}

async function gatherMail(
  domain: string,
  effects: CheckEffects,
  options: GatherOptions,
): Promise<MailSeen> {
  const answer = await effects.dns.lookup(domain, "MX");
  const implicit = answer.kind === "nodata";
  const records = answer.kind === "found"
    ? distinct(answer.records)
    : implicit
    ? [{ preference: 0, exchange: domain }]
    : [];
  const valid = records.filter(({ exchange }) => isHostname(exchange));
  const found = await Promise.all(
    valid.slice(0, MX_HOSTS_MAX).map((record) => gatherMailHost(record, effects, options)),
  );
  const hosts = implicit ? found.filter(isThere) : found;
  return {
    answer,
    implicit,
    invalid: records.map(({ exchange }) => exchange).filter((name) => !isHostname(name)),
    hosts,
    left: valid.slice(MX_HOSTS_MAX).map(({ exchange }) => exchange),
  };
}

/** Whether a host has an address, or may have one because a lookup failed. */
function isThere({ v4, v6 }: HostSeen): boolean {
  return [v4, v6].some(({ kind }) => kind === "found" || kind === "failed");
}

/** By preference, each exchange once. */
function distinct(records: readonly MxRecord[]): MxRecord[] {
  const byName = new Map<string, MxRecord>();
  const sorted = [...records].sort((one, other) => one.preference - other.preference);
  for (const record of sorted) {
    if (!byName.has(record.exchange)) byName.set(record.exchange, record);
  }
  return [...byName.values()];
}

async function gatherMailHost(
  { exchange, preference }: MxRecord,
  { dns, guard, probeTls }: CheckEffects,
  { smtp, smtpPort }: GatherOptions,
): Promise<MailHostSeen> {
  const target = { host: exchange, port: smtpPort, smtp: true };
  const answers = await lookupAddresses(exchange, dns.lookup);
  const [addresses, tlsa] = await Promise.all([
    tryAddresses(answers, guard, (address) => smtp ? probeTls({ ...target, address }) : undefined),
    lookupTlsa(exchange, answers, dns.lookup),
  ]);
  return { name: exchange, ...answers, addresses, preference, tlsa };
}

/** Records at the target of an alias come first, then those at the name itself (RFC 7672 §2.2.2). */
async function lookupTlsa(
  host: string,
  { v4, v6 }: Addresses,
  lookup: DnsClient["lookup"],
): Promise<MailHostSeen["tlsa"]> {
  const address = [v4, v6].find((answer) => answer.kind === "found");
  if (address?.kind === "found" && address.secure && address.owner !== host) {
    const expanded = await lookupAt(address.owner);
    if (expanded.answer.kind === "found" && expanded.answer.secure) return expanded;
  }
  return await lookupAt(host);

  async function lookupAt(base: string): Promise<MailHostSeen["tlsa"]> {
    const owner = `_25._tcp.${base}`;
    return { owner, answer: await lookup(owner, "TLSA") };
  }
}

type Addresses = Pick<HostSeen, "v4" | "v6">;

async function lookupAddresses(host: string, lookup: DnsClient["lookup"]): Promise<Addresses> {
  const [v4, v6] = await Promise.all([lookup(host, "A"), lookup(host, "AAAA")]);
  return { v4, v6 };
}

/** Tries the addresses concurrently, except those for which `probe` returns `undefined`. */
function tryAddresses(
  { v4, v6 }: Addresses,
  guard: AddressGuard,
  probe: (address: string) => Promise<TlsProbe> | undefined,
): Promise<AddressSeen[]> {
  const all = [v4, v6].flatMap((answer) =>
    answer.kind === "found" ? answer.records.slice(0, ADDRESSES_MAX) : []
  );
  return Promise.all(all.map(async (address) => {
    const refused = guard(address);
    if (refused !== undefined) return { address, refused };
    const result = await probe(address);
    return { address, ...(result && { probe: result }) };
  }));
}
