/**
 * Which entry of `received.domains` a policy of a report counts for.
 *
 * Entries are few and the operator's own, so everything that is counted by them is bounded, whatever names strangers
 * put into reports.
 *
 * @module
 */

import { parseMxPattern } from "../sts/mx_pattern.ts";
import type { ReceivedPolicy } from "../tlsrpt/received.ts";
import type { AdmittedPolicy } from "./types.ts";

/** What {@link admitPolicies} works with. */
export interface OwnDomainsOptions {
  /** Lower-case A-labels; with `*.` before it, all names below a domain. */
  readonly domains: readonly string[];
  /** The domain that the report is for, as a header or file name says it. */
  readonly named: string | undefined;
}

/**
 * MX patterns of a report that are looked at to tell which domain an MX host belongs to. Real reports have a dozen; a
 * hostile one has half a million.
 */
const MAX_PATTERNS = 5000;

/** The entry that covers a domain: itself, else the most specific one with `*.`. */
export function findEntry(domain: string, domains: readonly string[]): string | undefined {
  if (domains.includes(domain)) return domain;
  return domains.filter((entry) => entry.startsWith("*.") && domain.endsWith(entry.slice(1)))
    .toSorted((one, other) => other.length - one.length)[0];
}

/**
 * Keeps the policies of domains of ours, each with its entry.
 *
 * A policy of type `tlsa` bears the name of an MX host (RFC 8460 §4.4), which may be anybody's. It counts for the domain
 * that the rest of the report is about.
 */
export function admitPolicies(
  policies: readonly ReceivedPolicy[],
  { domains, named }: OwnDomainsOptions,
): AdmittedPolicy[] {
  const entryOf = (policy: ReceivedPolicy) =>
    policy.domain === undefined ? undefined : findEntry(policy.domain, domains);
  const others = policies.flatMap((policy) => {
    const entry = policy.type === "tlsa" ? undefined : entryOf(policy);
    return entry === undefined ? [] : [{ entry, mxHosts: policy.mxHosts }];
  });
  const byPattern = indexPatterns(others);
  const entries = new Set(others.map(({ entry }) => entry));
  const namedEntry = named === undefined ? undefined : findEntry(named, domains);
  return policies.flatMap((policy) => {
    const entry = entryOf(policy) ??
      (policy.type === "tlsa"
        ? findHostEntry(policy.domain, { domains, entries, byPattern, namedEntry })
        : undefined);
    if (entry === undefined) return [];
    const policyDomain = policy.domain ?? named ?? entry.replace(/^\*\./, "");
    return [{ ...policy, domain: entry, policyDomain }];
  });
}

/** Policies that count, with their MX patterns. */
type Others = readonly { readonly entry: string; readonly mxHosts: readonly string[] }[];

/** What an MX pattern stands for. */
interface PatternOwner {
  readonly entry: string;
  /** Which of the policies has it. */
  readonly order: number;
}

/** Of policies with the same pattern the first counts. @returns By pattern. */
function indexPatterns(others: Others): ReadonlyMap<string, PatternOwner> {
  const owners = new Map<string, PatternOwner>();
  let left = MAX_PATTERNS;
  for (const [order, { entry, mxHosts }] of others.entries()) {
    for (const text of mxHosts) {
      if (left-- <= 0) return owners;
      const pattern = parseMxPattern(text);
      if (pattern !== undefined && !owners.has(pattern)) owners.set(pattern, { entry, order });
    }
  }
  return owners;
}

interface HostOptions {
  readonly domains: readonly string[];
  /** Those of the other policies of the report that count. */
  readonly entries: ReadonlySet<string>;
  readonly byPattern: ReadonlyMap<string, PatternOwner>;
  readonly namedEntry: string | undefined;
}

/** The entry that an MX host counts for: of a policy that names it, of the report, or of the domain it is in. */
function findHostEntry(
  host: string | undefined,
  { domains, entries, byPattern, namedEntry }: HostOptions,
): string | undefined {
  const owner = host === undefined ? undefined : findOwner(host, byPattern);
  if (owner !== undefined) return owner.entry;
  if (namedEntry !== undefined) return namedEntry;
  if (entries.size === 1) return [...entries][0];
  return host === undefined ? undefined : domains.filter((entry) => host.endsWith(`.${entry}`))
    .toSorted((one, other) => other.length - one.length)[0];
}

/** The first policy with a pattern that the host matches (RFC 8461 §4.1). */
function findOwner(
  host: string,
  byPattern: ReadonlyMap<string, PatternOwner>,
): PatternOwner | undefined {
  const dot = host.indexOf(".");
  const owners = [byPattern.get(host), dot > 0 ? byPattern.get(`*${host.slice(dot)}`) : undefined];
  return owners.filter((owner) => owner !== undefined)
    .toSorted((one, other) => one.order - other.order)[0];
}
