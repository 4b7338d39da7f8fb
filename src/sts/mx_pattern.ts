/**
 * The `mx` patterns of a policy (RFC 8461 §3.2), and which MX host names match them (§4.1).
 *
 * @module
 */

import { isHostname } from "../base/host.ts";

/**
 * Parses the value of an `mx` field: a host name, or `*.` and a host name (RFC 8461 §3.2).
 * One final dot is dropped. Addresses and U-labels are no patterns, and neither is `*` alone or in another place.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseMxPattern("*.Mail.example."), "*.mail.example");
 * assertEquals(parseMxPattern("mx*.mail.example"), undefined);
 * ```
 * @returns The pattern in lower case, or `undefined`.
 */
export function parseMxPattern(text: string): string | undefined {
  const pattern = withoutFinalDot(text);
  const name = pattern.startsWith("*.") ? pattern.slice(2) : pattern;
  return isHostname(name) ? pattern.toLowerCase() : undefined;
}

/**
 * Whether an MX host name matches a pattern (RFC 8461 §4.1): they are equal in any case, where
 * `*` stands for exactly one label, the left-most. One final dot on either side is ignored.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 *
 * assert(matchesMx("*.mail.example", "MX1.mail.example."));
 * assert(!matchesMx("*.mail.example", "a.mx1.mail.example"));
 * ```
 * @returns `true` only if `pattern` is a pattern and `host` is a host name, so a host that matches may be printed.
 */
export function matchesMx(pattern: string, host: string): boolean {
  const wanted = withoutFinalDot(pattern).toLowerCase();
  const name = withoutFinalDot(host);
  const parent = name.indexOf(".");
  const candidate = wanted.startsWith("*.") && parent > 0 ? `*${name.slice(parent)}` : name;
  // The form is checked last, because few hosts get here. The check also refuses characters that only case
  // folding makes equal, such as the Kelvin sign and k.
  return candidate.toLowerCase() === wanted && isHostname(name) &&
    parseMxPattern(pattern) !== undefined;
}

/**
 * Picks the MX hosts that match a policy (RFC 8461 §4.1), in their order. The time it takes is proportional to the
 * sum of patterns and hosts: there may be thousands of either, and each answer needs it.
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

/**
 * Writes host names or patterns as one list, the form in which Postfix and Sendmail take them: a colon between
 * them, `.example.com` for `*.example.com`, each name once.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatMatchList(["mx.example.com", "*.example.com"]), "mx.example.com:.example.com");
 * ```
 * @param names As {@link parseMxPattern} returns them; ASCII, so that characters are octets.
 */
export function formatMatchList(names: readonly string[]): string {
  return [...new Set(names.map((name) => name.startsWith("*.") ? name.slice(1) : name))].join(":");
}

/** The only wildcard pattern that a host can match. */
function wildcardFor(host: string): string {
  return `*${host.slice(host.indexOf("."))}`;
}

/**
 * All patterns that match a host, in lower case. With many patterns and many hosts this is cheaper than
 * {@link matchesMx} on each pair.
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
