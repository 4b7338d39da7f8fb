/**
 * The `mx` patterns of a policy (RFC 8461 §3.2) and their match with MX host names (§4.1).
 *
 * @module
 */

import { isHostname } from "../base/host.ts";

/**
 * Parses the value of an `mx` field: a host name, or `*.` and a host name (RFC 8461 §3.2).
 * One final dot is dropped. Addresses, U-labels, `*` alone or anywhere else are no patterns.
 *
 * @returns The pattern in lower case, or `undefined`.
 */
export function parseMxPattern(text: string): string | undefined {
  const pattern = withoutFinalDot(text);
  const name = pattern.startsWith("*.") ? pattern.slice(2) : pattern;
  return isHostname(name) ? pattern.toLowerCase() : undefined;
}

/**
 * Tells whether an MX host name matches a pattern (RFC 8461 §4.1): equal in any case, where
 * `*` stands for exactly one label, the left-most. One final dot on either side is ignored.
 *
 * @returns `true` only if both are what they should be, so a host that matches may be printed.
 */
export function matchesMx(pattern: string, host: string): boolean {
  const wanted = withoutFinalDot(pattern).toLowerCase();
  const name = withoutFinalDot(host);
  const parent = name.indexOf(".");
  const candidate = wanted.startsWith("*.") && parent > 0 ? `*${name.slice(parent)}` : name;
  // The checks come last, since few hosts get here; they also refuse what only looks alike
  // after folding, such as the Kelvin sign for a k.
  return candidate.toLowerCase() === wanted && isHostname(name) &&
    parseMxPattern(pattern) !== undefined;
}

/**
 * Picks the MX hosts that match a policy (RFC 8461 §4.1), in their order. Takes time in proportion to patterns and
 * hosts together: a policy may have thousands of either, and this is done for each answer.
 *
 * @param patterns As {@link parseMxPattern} returns them.
 * @param hosts Host names, lower case, without the final dot.
 */
export function matchingHosts(patterns: readonly string[], hosts: readonly string[]): string[] {
  const wanted = new Set(patterns);
  // As in matchesMx(): a host that matches may be printed.
  return hosts.filter((host) =>
    (wanted.has(host) || wanted.has(wildcardFor(host))) && isHostname(host)
  );
}

/** The only wildcard pattern that a host can match. */
function wildcardFor(host: string): string {
  return `*${host.slice(host.indexOf("."))}`;
}

/**
 * All patterns that match a host, in lower case: for sets of many patterns and many hosts, where
 * {@link matchesMx} would be tried on each pair.
 */
export function patternsFor(host: string): string[] {
  const name = withoutFinalDot(host);
  if (!isHostname(name)) return [];
  const lower = name.toLowerCase();
  const parent = lower.indexOf(".");
  return parent > 0 ? [lower, `*${lower.slice(parent)}`] : [lower];
}

function withoutFinalDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
