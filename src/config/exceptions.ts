/**
 * The section `domains`: exceptions from what domains publish. Its names are domains, and some of its keys need
 * or exclude others; both are checked here, with one line for each mistake.
 *
 * @module
 */

import type { DomainException } from "../resolver/exception.ts";
import { toDomainName } from "../sts/domain.ts";
import type { EXCEPTION_KEYS } from "./exception_keys.ts";
import { formatPath } from "./found.ts";
import type { ValuesOf } from "./key.ts";

/** Checked values by the names in the file. */
export type DomainValues = Readonly<Record<string, ValuesOf<typeof EXCEPTION_KEYS>>>;

/** Completes "must be …" for a name in `domains`. */
export const ALLOWED_DOMAIN = "a domain, or *. and a domain";

/**
 * Reads a name in `domains`.
 *
 * @param name With U-labels or A-labels, in any case.
 * @returns The domain in lower-case A-labels, `*.` kept; `undefined` if it is neither a domain that can have a
 *   policy nor `*.` and a domain.
 */
export function readExceptionDomain(name: string): string | undefined {
  const isWildcard = name.startsWith("*.");
  const domain = toDomainName(isWildcard ? name.slice(2) : name);
  if (domain === undefined) return undefined;
  if (isWildcard) return `*.${domain}`;
  return domain.includes(".") ? domain : undefined;
}

/**
 * What is wrong with the section beyond each single value.
 *
 * @returns One line for each mistake, which begins with the key.
 */
export function exceptionProblems(domains: DomainValues): string[] {
  const problems: string[] = [];
  const names = new Map<string, string>();
  for (const [name, values] of Object.entries(domains)) {
    const path = (...below: string[]) => formatPath(["domains", name, ...below]);
    const domain = readExceptionDomain(name)!;
    const same = names.get(domain);
    if (same !== undefined) {
      problems.push(`${path()}: is the same domain as ${JSON.stringify(same)}`);
    }
    names.set(domain, name);
    for (const [key, what] of entryProblems(values)) problems.push(`${path(...key)}: ${what}`);
  }
  return problems;
}

/** Makes the exceptions of a section that has no mistakes. */
export function toExceptions(domains: DomainValues): DomainException[] {
  return Object.entries(domains).map(([name, { policy, mx, dane, until, reason }]) => ({
    domain: readExceptionDomain(name)!,
    policy,
    mx: mx ?? [],
    dane,
    until: until!,
    reason: reason!,
  }));
}

/**
 * The opposite of {@link toExceptions}.
 *
 * @returns The entries as they would be written in the file, without the keys that they do not have.
 */
export function toDomainValues(exceptions: readonly DomainException[]): DomainValues {
  return Object.fromEntries(
    exceptions.map(({ domain, policy, mx, dane, until, reason }) => [
      domain,
      { policy, mx: policy === "enforce" ? mx : undefined, dane, until, reason },
    ]),
  );
}

function* entryProblems(
  { policy, mx, dane, until, reason }: DomainValues[string],
): Iterable<readonly [key: readonly string[], what: string]> {
  if (policy === undefined && dane === undefined) {
    yield [[], "must have policy: ignore, policy: enforce or dane: off"];
  }
  if (policy === "enforce" && mx === undefined) {
    yield [["mx"], "must be given with policy: enforce"];
  }
  if (policy !== "enforce" && mx !== undefined) {
    yield [["mx"], "must not be given without policy: enforce"];
  }
  if (policy === "ignore" && dane !== undefined) {
    yield [["dane"], "must not be given with policy: ignore, which leaves DANE to Postfix"];
  }
  if (until === undefined) {
    yield [["until"], "must be given: an exception without an end is forgotten"];
  }
  if (reason === undefined) {
    yield [["reason"], "must be given: whoever finds the exception needs it"];
  }
}
