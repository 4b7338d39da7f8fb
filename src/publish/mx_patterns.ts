/**
 * Proposes the `mx` patterns of a policy for the MX hosts of a domain (RFC 8461 §3.2, §4.1).
 *
 * It takes the host names, unless a wildcard says the same in fewer lines. A wildcard needs two or more
 * hosts with the same parent, and a parent below which there are only mail hosts. Below a parent that
 * may have a web site, a wildcard would also admit `www` as an MX host.
 *
 * @module
 */

import { isHostname } from "../base/host.ts";

/** Patterns, with the reasons for the choice. */
export interface PatternProposal {
  /** Lower-case, without repetitions; empty if no host has a valid name. */
  readonly patterns: readonly string[];
  /** Sentences for a person. */
  readonly remarks: readonly string[];
}

/** With fewer hosts, a wildcard does not make the policy shorter. */
const WILDCARD_MIN_HOSTS = 2;

/** A foreign name with so many labels is not a web site under any public suffix: `mail.provider.co.uk` has four. */
const MAIL_ONLY_MIN_LABELS = 4;

/**
 * Proposes patterns.
 *
 * @param domain The policy domain, lower-case A-labels.
 * @param hosts MX host names, lower-case, in order of preference.
 */
export function proposePatterns(domain: string, hosts: readonly string[]): PatternProposal {
  const names = [...new Set(hosts)].filter(isHostname);
  const remarks: string[] = [];
  if (hosts.some((host) => !isHostname(host))) {
    remarks.push("An MX record has an invalid host name, which no pattern can cover.");
  }
  const wild = new Set<string>();
  for (const [parent, siblings] of Map.groupBy(names, parentOf)) {
    if (parent === "" || siblings.length < WILDCARD_MIN_HOSTS) continue;
    if (isMailOnly(parent, domain)) {
      wild.add(parent);
      remarks.push(
        `*.${parent} covers ${siblings.length} MX hosts; it matches names with exactly one ` +
          "more label (RFC 8461 §4.1).",
      );
    } else {
      remarks.push(
        `*.${parent} would be shorter, but would accept every host of ${parent} as an MX host.`,
      );
    }
  }
  const patterns = names.map((host) => wild.has(parentOf(host)) ? `*.${parentOf(host)}` : host);
  return { patterns: [...new Set(patterns)], remarks };
}

function isMailOnly(parent: string, domain: string): boolean {
  if (parent.endsWith(`.${domain}`)) return true;
  const above = domain === parent || domain.endsWith(`.${parent}`);
  return !above && parent.split(".").length >= MAIL_ONLY_MIN_LABELS;
}

function parentOf(host: string): string {
  const dot = host.indexOf(".");
  return dot < 0 ? "" : host.slice(dot + 1);
}
