/**
 * A policy as a row of the report file: short, because there is one for nearly every domain.
 *
 * A row omits what follows from the rest: the policy domain if it is the domain of the session, the `mx` patterns if
 * they are those of the lines.
 *
 * @module
 */

import { isMapping } from "../base/mapping.ts";
import type { PolicyType } from "../tlsrpt/report.ts";
import type { SessionPolicy } from "../tlsrpt/session.ts";

const TYPES: readonly string[] = ["sts", "tlsa", "no-policy-found"] satisfies PolicyType[];

/** Writes a policy. @param domain The domain of the session. */
export function storePolicy(
  { domain: own, strings, mxHosts }: SessionPolicy,
  domain: string,
): string {
  return JSON.stringify({
    ...(own !== domain && { d: own }),
    ...(strings.length > 0 && { s: strings.join("\n") }),
    ...(!isSame(mxHosts, patternsOf(strings)) && { m: mxHosts }),
  });
}

/** Reads a policy; `undefined` if the row cannot be right. */
export function readStoredPolicy(
  { type, json }: Record<string, unknown>,
  domain: string,
): SessionPolicy | undefined {
  if (typeof type !== "string" || !TYPES.includes(type)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(String(json));
  } catch {
    return undefined;
  }
  if (!isMapping(value)) return undefined;
  const { d = domain, s = "" } = value;
  if (typeof d !== "string" || typeof s !== "string") return undefined;
  const strings = s === "" ? [] : s.split("\n");
  const { m: mxHosts = patternsOf(strings) } = value;
  if (!isTexts(mxHosts)) return undefined;
  return { type: type as PolicyType, domain: d, strings, mxHosts };
}

/** The patterns that the lines of a policy name. */
function patternsOf(strings: readonly string[]): string[] {
  const values = strings.filter((line) => line.startsWith("mx: ")).map((line) => line.slice(4));
  return values.map((value) => value.toLowerCase());
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
