/**
 * What does not work, domain by domain, and what to do about it: mail that is deferred, and policies that
 * cannot be fetched. The status page shows it, and the control socket serves it as JSON.
 *
 * @module
 */

import { cutText } from "../base/quote_text.ts";
import type { PolicyLists, StoredFailure } from "../cache/types.ts";
import type { ResolverEvent } from "../resolver/types.ts";
import type { Deferral, Deferrals } from "./deferrals.ts";
import { remedyOfDeferral, remedyOfFetch } from "./remedies.ts";

/** Entries of each list: more than anybody reads at once, and all of them fit into one reply of the control socket. */
const MAX_LISTED = 100;

/** Domains of which the first failure is remembered, about 100 octets each. */
const MAX_FIRST_FAILURES = 2000;

/** Characters of a detail that are shown. */
const MAX_DETAIL_CHARS = 300;

/** A domain whose mail waits. Times in ms. */
export interface DeferredDomain extends Deferral {
  /** What to do, in whole sentences. */
  readonly remedy: string;
}

/** A domain whose policy cannot be fetched. Times in ms. */
export interface UnfetchedDomain extends StoredFailure {
  /** The first failure in a row that this process has seen, or the last one. */
  readonly since: number;
  /** What to do, in whole sentences. */
  readonly remedy: string;
}

/** The lists. */
export interface ProblemLists {
  readonly deferred: readonly DeferredDomain[];
  /** Number of domains deferred, listed or not. */
  readonly deferredCount: number;
  readonly unfetched: readonly UnfetchedDomain[];
}

/** What {@link createProblems} looks at. */
export interface ProblemSources {
  readonly deferrals: Deferrals;
  readonly store: Pick<PolicyLists, "latestFailures">;
  /** Current time, ms. */
  readonly now: () => number;
}

/** The problems. */
export interface Problems {
  /** Takes note of an event of the resolver. Does not throw. */
  note(event: ResolverEvent): void;
  /** Those there are now: at most {@link MAX_LISTED} of each kind. */
  list(): ProblemLists;
}

/** Creates the lists. */
export function createProblems({ deferrals, store, now }: ProblemSources): Problems {
  /** When the fetch for a domain first failed, ms, the oldest first. The store has the last failure only. */
  const firstFailures = new Map<string, number>();

  function describe(failure: StoredFailure): UnfetchedDomain {
    const { domain, reason, failedAt } = failure;
    return {
      ...failure,
      detail: cutText(failure.detail, MAX_DETAIL_CHARS),
      since: Math.min(failedAt, firstFailures.get(domain) ?? failedAt),
      remedy: remedyOfFetch(reason, domain),
    };
  }

  return {
    note(event): void {
      if (event.kind === "shared") firstFailures.delete(event.held.domain);
      if (event.kind !== "fetch") return;
      const { domain, result } = event;
      if (result.kind === "policy") {
        firstFailures.delete(domain);
      } else if (!firstFailures.has(domain)) {
        if (firstFailures.size >= MAX_FIRST_FAILURES) {
          firstFailures.delete(firstFailures.keys().next().value!);
        }
        firstFailures.set(domain, now());
      }
    },
    list: () => ({
      deferred: deferrals.list(MAX_LISTED).map((entry) => ({
        ...entry,
        remedy: remedyOfDeferral(entry.cause, entry.domain),
      })),
      deferredCount: deferrals.count(),
      unfetched: store.latestFailures(MAX_LISTED).map(describe),
    }),
  };
}

/** The lists as JSON: times in ISO 8601, as in `daemon/cache_entry.ts`. */
export interface ProblemsReport {
  readonly deferred_domains: number;
  readonly deferred: readonly {
    readonly domain: string;
    readonly next_hop: string;
    readonly zone: string;
    readonly cause: string;
    readonly reason: string;
    readonly since: string;
    readonly last_query: string;
    readonly queries: number;
    readonly remedy: string;
  }[];
  readonly unfetched: readonly {
    readonly domain: string;
    readonly id: string;
    readonly reason: string;
    readonly detail: string;
    readonly failures: number;
    readonly since: string;
    readonly failed: string;
    readonly retry: string;
    readonly remedy: string;
  }[];
}

/** Describes the lists for a program. */
export function describeProblems(
  { deferred, deferredCount, unfetched }: ProblemLists,
): ProblemsReport {
  return {
    deferred_domains: deferredCount,
    deferred: deferred.map((one) => ({
      domain: one.domain,
      next_hop: one.nextHop,
      zone: one.zone,
      cause: one.cause,
      reason: one.reason,
      since: iso(one.since),
      last_query: iso(one.lastAt),
      queries: one.count,
      remedy: one.remedy,
    })),
    unfetched: unfetched.map((one) => ({
      domain: one.domain,
      id: one.id,
      reason: one.reason,
      detail: one.detail,
      failures: one.count,
      since: iso(one.since),
      failed: iso(one.failedAt),
      retry: iso(one.retryAt),
      remedy: one.remedy,
    })),
  };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
