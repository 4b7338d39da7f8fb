/**
 * Exceptions from what domains publish, by the operator's own configuration. They come before the table of
 * `decide.ts`, and change nothing of what is held.
 *
 * | Exception in force | Answer | Held policy |
 * | --- | --- | --- |
 * | `policy: ignore` | `notfound`, outcome `exception-ignore` | kept, used by nobody, checked and refreshed as before |
 * | `policy: enforce` | as for a policy with the configured patterns, outcome `exception-enforce` | the same |
 * | `dane: off` alone | as without it, in a zone with `dane: off` | in use |
 *
 * Of several entries that cover a domain, the most specific one in force counts, and it counts alone: the domain
 * itself, then `*.` and the longest parent.
 *
 * An exception ends when its end has come by `ProvenClock.proven`, as policies expire: a jump of the clock ends none
 * before it has lasted for ten minutes. It begins with the configuration that names it. An answer under an exception
 * is worked out for each query: no ready reply outlives it, and each application is counted.
 *
 * @module
 */

import type { ProvenClock } from "../base/clock.ts";
import type { DomainException } from "./exception.ts";
import type { HeldPolicy, Zone } from "./types.ts";

/** An exception that says which policy counts. */
export type PolicyException = DomainException & { readonly policy: "ignore" | "enforce" };

/** All exceptions. */
export interface Exceptions {
  /** The exception that counts for a domain (lower-case A-labels) now. */
  find(domain: string): DomainException | undefined;
}

/**
 * Whether an exception still counts.
 *
 * @param proven The time that has certainly come, ms: `ProvenClock.proven`.
 */
export function isInForce({ until }: Pick<DomainException, "until">, proven: number): boolean {
  return proven < until;
}

/** Whether an exception says which policy counts. */
export function replacesPolicy(
  exception: DomainException | undefined,
): exception is PolicyException {
  return exception?.policy !== undefined;
}

/** Makes the exceptions ready to be asked for. @param list Each domain at most once. */
export function createExceptions(
  list: readonly DomainException[],
  clock: Pick<ProvenClock, "proven">,
): Exceptions {
  const byDomain = new Map(list.map((exception) => [exception.domain, exception]));
  const proven = () => clock.proven();

  function find(domain: string): DomainException | undefined {
    let name = domain;
    for (let dot = -1;; name = `*${domain.slice(dot)}`) {
      const exception = byDomain.get(name);
      if (exception !== undefined && isInForce(exception, proven())) return exception;
      dot = domain.indexOf(".", dot + 1);
      if (dot < 0) return undefined;
    }
  }

  return { find: byDomain.size === 0 ? () => undefined : find };
}

/** The zone as it answers under an exception. */
export function zoneUnder(exception: DomainException | undefined, zone: Zone): Zone {
  return exception?.dane === "off" ? { ...zone, dane: "off" } : zone;
}

/**
 * The policy that `policy: enforce` puts in the place of the published one. It is not stored. Reports quote what
 * a domain publishes, so this one has no lines for them.
 *
 * @param now Current time, ms.
 */
export function ownPolicy(
  { mx, until }: DomainException,
  { domain, now }: { domain: string; now: number },
): HeldPolicy {
  return {
    domain,
    id: "",
    text: "",
    strings: [],
    policy: { mode: "enforce", mx, maxAge: Math.max(0, Math.floor((until - now) / 1000)) },
    fetchedAt: now,
    expiresAt: until,
    refreshAt: until,
  };
}
