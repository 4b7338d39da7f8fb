/**
 * One domain of the cache as the control socket sends it, and as the `cache` commands print it in JSON.
 * docs/cache.schema.json describes it.
 *
 * @module
 */

import type { DomainNotes, StoredFailure, StoredMx, StoredPolicy } from "../cache/types.ts";
import { readView } from "../resolver/stored_view.ts";

/** The last failed fetch, if none has succeeded since. Times are ISO 8601. */
export interface EntryFailure {
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  readonly count: number;
  readonly failed: string;
  readonly retry: string;
}

/** The DANE state and the MX hosts, as last looked up. */
export interface EntryDane {
  readonly state: string;
  readonly hosts: readonly string[];
  /** Those whose addresses could not be looked up. */
  readonly skipped: readonly string[];
  readonly checked: string;
}

/** A domain whose policy is held. Times are ISO 8601, durations seconds. */
export interface HeldEntry {
  readonly domain: string;
  readonly id: string;
  readonly mode: string;
  readonly max_age: number;
  readonly mx: readonly string[];
  readonly fetched: string;
  readonly expires: string;
  /** When the refresh is due. */
  readonly refresh: string;
  readonly last_used: string;
  readonly failure?: EntryFailure;
  readonly dane?: EntryDane;
  /** The policy file, verbatim; not in lists. */
  readonly text?: string;
}

/** A domain of which no policy is held, because it could not be fetched. */
export interface UnheldEntry {
  readonly domain: string;
  readonly failure: EntryFailure;
}

/** What became of a purge in the fleet. */
export interface FleetPurge {
  /** The engine, without password. */
  readonly engine: string;
  /** Without a secret only this host forgets. */
  readonly signed: boolean;
  /** Other hosts that heard of it; absent if the engine has not taken it yet, or nobody counts them. */
  readonly heard?: number;
}

/** What `purge` is answered: the domain as it was, if it was held, and what became of it in the fleet, if there is one. */
export type PurgedEntry = (HeldEntry | { readonly domain: string }) & {
  readonly fleet?: FleetPurge;
};

/** A domain in the cache. */
export type CacheEntry = HeldEntry | UnheldEntry;

/** Describes a stored policy, with the last failure and the MX hosts of its domain. */
export function describeEntry(stored: StoredPolicy, notes: DomainNotes): HeldEntry {
  const failure = notes.getFailure(stored.domain);
  const mx = notes.getMx(stored.domain);
  const dane = mx && describeMx(mx);
  return {
    domain: stored.domain,
    id: stored.id,
    mode: stored.policy.mode,
    max_age: stored.policy.maxAge,
    mx: stored.policy.mx,
    fetched: iso(stored.fetchedAt),
    expires: iso(stored.expiresAt),
    refresh: iso(stored.refreshAt),
    last_used: iso(stored.lastUsedAt),
    ...(failure && { failure: describeFailure(failure) }),
    ...(dane && { dane }),
  };
}

/** Describes a failed fetch. */
export function describeFailure(failure: StoredFailure): EntryFailure {
  return {
    id: failure.id,
    reason: failure.reason,
    detail: failure.detail,
    count: failure.count,
    failed: iso(failure.failedAt),
    retry: iso(failure.retryAt),
  };
}

function describeMx(mx: StoredMx): EntryDane | undefined {
  const view = readView(mx);
  if (view === undefined) return undefined;
  const { dane: state, hosts = [], skipped, checkedAt } = view;
  return { state, hosts, skipped, checked: iso(checkedAt) };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
