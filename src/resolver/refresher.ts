/**
 * Keeps policies in use alive (RFC 8461 §3.3, §10.2).
 *
 * Each policy carries the time of its next regular fetch: about a day after the last one,
 * spread by chance, and well before `max_age` is over. Every few seconds the refresher takes
 * those that are due and checks them, a few at a time; the check fetches whatever TXT says, so
 * that an attacker who hides the record does not outlast the policy. Policies that nobody has
 * asked for in a long time are left to expire. The times are in the store: a restart resets none
 * of them, and the refresher works off what became overdue meanwhile at a limited rate.
 *
 * @module
 */

import type { PolicyLists } from "../cache/types.ts";
import type { ProvenClock } from "../base/clock.ts";
import { REFRESH_SPREAD } from "./held_policy.ts";
import type { Resolver } from "./resolver.ts";

/** Time between two rounds, ms. */
const ROUND_MS = 10_000;

/** An overdue backlog is worked off at this many times the everyday rate. */
const CATCH_UP = 4;

/** A fetch that failed is put off by an hour at most, ms: a much later time was set by a clock that was wrong. */
const DEFERRED_MAX_MS = 2 * 3600 * 1000;

/** What {@link startRefresher} needs; durations in ms. */
export interface RefresherOptions {
  /** Lists what is due. */
  readonly store: Pick<PolicyLists, "listDue" | "count">;
  /** The time. */
  readonly clock: ProvenClock;
  /** Checks a domain. */
  readonly check: Resolver["check"];
  /** Time between two regular fetches of a policy. */
  readonly interval: number;
  /** A policy that was not asked for in this time is not fetched again. */
  readonly forgetAfter: number;
  /** Fetches under way at once. */
  readonly concurrency: number;
}

/**
 * Starts the rounds.
 *
 * @returns A function that ends them; a check under way goes on by itself.
 */
export function startRefresher(options: RefresherOptions): () => void {
  const { clock } = options;
  let stopped = false;
  let cancel = clock.setTimer(round, ROUND_MS);

  async function round(): Promise<void> {
    await refreshDue(options);
    if (!stopped) cancel = clock.setTimer(round, ROUND_MS);
  }

  return () => {
    stopped = true;
    cancel();
  };
}

/** Checks what is due, `concurrency` at a time, and returns when all are done. */
async function refreshDue(options: RefresherOptions): Promise<void> {
  const { store, clock, check, interval, forgetAfter, concurrency } = options;
  const perRound = Math.ceil((store.count() * ROUND_MS * CATCH_UP) / interval);
  const now = clock.now();
  const due = store.listDue({
    due: now,
    alive: clock.proven(),
    farthest: now + interval * REFRESH_SPREAD.to + DEFERRED_MAX_MS,
    usedSince: now - forgetAfter,
    limit: Math.max(concurrency, perRound),
  });
  const next = due.values();
  async function worker(): Promise<void> {
    for (const domain of next) await check(domain);
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, due.length) }, worker));
}
