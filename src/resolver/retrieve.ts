/**
 * Fetches a policy, and notes a failure of that (RFC 8461 §3.3): the attempts for one id are five minutes apart at
 * first, and an hour in the end.
 *
 * @module
 */

import type { StoredFailure } from "../cache/types.ts";
import type { FailedFetch } from "../https/types.ts";
import { PolicySyntaxError } from "../sts/policy.ts";
import { holdPolicy, refreshTime } from "./held_policy.ts";
import type { PolicyFetch, ResolverEffects, ResolverSettings } from "./types.ts";

/** RFC 8461 §3.3: no further attempt for an id within five minutes; doubled with each failure, up to an hour. */
const BACKOFF_MS = 300_000;

/** The longest time between two attempts, ms. */
export const MAX_BACKOFF_MS: number = 3600 * 1000;

/** What to fetch. */
export interface FetchTask {
  /** Policy domain, lower-case A-labels. */
  readonly domain: string;
  /** The `id` to store the policy under. */
  readonly id: string;
  /** The last fetch that failed. */
  readonly failure: StoredFailure | undefined;
  /** Where in the order of checks this one is. */
  readonly turn: number;
}

/** What a fetch came to. */
export interface Retrieved {
  /** The policy, or why there is none. */
  readonly result: PolicyFetch;
  /** The failure as it was noted, if there is no policy. */
  readonly failure: StoredFailure | undefined;
}

/** Fetches a policy, and puts a failure into the store. Rejects only for a bug. */
export async function retrieve(
  task: FetchTask,
  { settings, effects }: { settings: ResolverSettings; effects: ResolverEffects },
): Promise<Retrieved> {
  const { domain, id, turn } = task;
  const { clock, store, observe, fetchPolicy } = effects;
  const started = clock.now();
  const outcome = await fetchPolicy(domain, { turn });
  const now = clock.now();
  const result = outcome.kind === "failed"
    ? outcome
    : parse({ domain, id, text: outcome.text }, { settings, effects });
  observe({ kind: "fetch", domain, id, result, ms: now - started });
  if (result.kind === "failed") {
    const failure = nextFailure(task, { now, result });
    store.putFailure(failure);
    return { result, failure };
  }
  if (task.failure !== undefined) store.clearFailure(domain);
  return { result, failure: undefined };
}

function parse(
  { domain, id, text }: { domain: string; id: string; text: string },
  { settings, effects }: { settings: ResolverSettings; effects: ResolverEffects },
): PolicyFetch {
  const fetchedAt = effects.clock.now();
  const held = holdPolicy({ domain, id, text, fetchedAt });
  if (held instanceof PolicySyntaxError) {
    return { kind: "failed", reason: "policy-syntax", detail: held.message };
  }
  const refreshAt = refreshTime(fetchedAt, {
    maxAge: held.policy.maxAge,
    interval: settings.refresh.interval,
    random: effects.random(),
  });
  return { kind: "policy", held: { ...held, refreshAt } };
}

function nextFailure(
  { domain, id, failure: previous }: FetchTask,
  { now, result }: { now: number; result: FailedFetch },
): StoredFailure {
  const count = previous?.id === id ? previous.count + 1 : 1;
  // The exponent is capped long before 2 ** count could overflow.
  const wait = Math.min(BACKOFF_MS * 2 ** Math.min(count - 1, 10), MAX_BACKOFF_MS);
  const { reason, detail } = result;
  return { domain, id, reason, detail, count, failedAt: now, retryAt: now + wait };
}
