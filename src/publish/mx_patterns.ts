/**
 * Proposes the `mx` patterns of a policy for the MX hosts of a domain (RFC 8461 §3.2, §4.1).
 *
 * The host names as they are, unless a wildcard says the same in fewer lines: for two hosts or
 * more with the same parent, which must be a place of mail hosts alone. Where a web site may live,
 * a wildcard would admit `www` as an MX host too, and there the names stay.
 *
 * @module
 */

import { isHostname } from "../sts/domain.ts";

/** Patterns, and why they are what they are. */
export interface PatternProposal {
  /** Lower-case, without repetitions; empty if no host has a valid name. */
  readonly patterns: readonly string[];
  /** Sentences for a person. */
  readonly remarks: readonly string[];
}

/** Fewer hosts than this would not make the policy shorter. */
const WILDCARD_MIN_HOSTS = 2;

/** Labels of a foreign name that is no web site, whatever suffix it is under: `mail.provider.co.uk` has four. */
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
    remarks.push("An MX record holds no valid host name: no pattern can cover it.");
  }
  const wild = new Set<string>();
  for (const [parent, siblings] of Map.groupBy(names, parentOf)) {
    if (parent === "" || siblings.length < WILDCARD_MIN_HOSTS) continue;
    if (isMailOnly(parent, domain)) {
      wild.add(parent);
      remarks.push(
        `*.${parent} stands for ${siblings.length} MX hosts; it matches names with exactly one ` +
          "label more (RFC 8461 §4.1).",
      );
    } else {
      remarks.push(
        `*.${parent} would be shorter, but would take every host of ${parent} for an MX host.`,
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
