/**
 * Which entry of `received.domains` a policy of a report counts for.
 *
 * Entries are few and the operator's own, so everything that is counted by them is bounded, whatever names strangers
 * put into reports.
 *
 * @module
 */

import { matchesMx } from "../sts/mx_pattern.ts";
import type { ReceivedPolicy } from "../tlsrpt/received.ts";
import type { AdmittedPolicy } from "./types.ts";

/** What {@link admitPolicies} works with. */
export interface OwnDomainsOptions {
  /** Lower-case A-labels; with `*.` before it, all names below a domain. */
  readonly domains: readonly string[];
  /** The domain that the report is for, as a header or file name says it. */
  readonly named: string | undefined;
}

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
  const namedEntry = named === undefined ? undefined : findEntry(named, domains);
  return policies.flatMap((policy) => {
    const entry = entryOf(policy) ??
      (policy.type === "tlsa"
        ? findHostEntry(policy.domain, { domains, others, namedEntry })
        : undefined);
    if (entry === undefined) return [];
    const policyDomain = policy.domain ?? named ?? entry.replace(/^\*\./, "");
    return [{ ...policy, domain: entry, policyDomain }];
  });
}

interface HostOptions {
  readonly domains: readonly string[];
  /** The other policies of the report that count, with their MX patterns. */
  readonly others: readonly { readonly entry: string; readonly mxHosts: readonly string[] }[];
  readonly namedEntry: string | undefined;
}

/** The entry that an MX host counts for: of a policy that names it, of the report, or of the domain it is in. */
function findHostEntry(
  host: string | undefined,
  { domains, others, namedEntry }: HostOptions,
): string | undefined {
  const byPattern = host === undefined
    ? undefined
    : others.find(({ mxHosts }) => mxHosts.some((pattern) => matchesMx(pattern, host)));
  if (byPattern !== undefined) return byPattern.entry;
  if (namedEntry !== undefined) return namedEntry;
  const entries = new Set(others.map(({ entry }) => entry));
  if (entries.size === 1) return [...entries][0];
  return host === undefined ? undefined : domains.filter((entry) => host.endsWith(`.${entry}`))
    .toSorted((one, other) => other.length - one.length)[0];
}
