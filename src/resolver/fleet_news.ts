/**
 * What this host does with the news of the fleet. Only domains that memory or store know are concerned: a host holds
 * what its own mail needs, not what the fleet holds.
 *
 * A policy that is not signed changes nothing that is held. It is a reason to look: this host makes its own check.
 *
 * @module
 */

import type { Exchange, FleetNews, FleetPolicy } from "../fleet/types.ts";
import type { Checker } from "./checker.ts";
import { takeFailure, takePolicy } from "./fleet_memory.ts";
import type { FleetMemoryParts } from "./fleet_memory.ts";
import type { HeldPolicy } from "./types.ts";

/**
 * The time between two checks of one domain that unsigned news causes, ms: at first the usual one between two checks,
 * and twice as long each time, up to a day. Where two servers of a domain differ in a letter, each host's fetch is news
 * to all others, and they would fetch for ever.
 */
const CHECK_PAUSE_MS = 300_000;
const MAX_PAUSE_MS = 24 * 3600 * 1000;

/**
 * Checks of all domains that unsigned news may cause in {@link CHECK_PAUSE_MS}. Whoever can write to the engine could
 * have all that is held fetched again otherwise; beyond this a change is found by the regular check.
 */
const MAX_CHECKS = 300;

/**
 * Absences are ended so often at most, ms. An engine that stands still for a moment again and again must not have all
 * that is absent looked up each time. What was found absent while it was away counts no longer than that anyway.
 */
const BACK_PAUSE_MS = 30_000;

/**
 * Unsigned news of the policy that is held moves its times if it is newer by this, ms: each such move is a write to the
 * disk, and a thousand a second can be made up.
 */
const RENEWAL_MS = 60_000;

/** Domains of which such checks are remembered: with fewer than that, each has its pause. About 1 MB. */
const MAX_REMEMBERED = 10_000;

/** What {@link followNews} works with. */
export interface NewsOptions extends FleetMemoryParts {
  /** Tells the news. */
  readonly fleet: Pick<Exchange, "onNews">;
  /** Makes own checks, and has queries that wait for one. */
  readonly checker: Pick<Checker, "check" | "answer">;
  /** Forgets a domain and its MX views. */
  readonly forget: (domain: string) => void;
}

/**
 * Follows the news.
 *
 * @returns A function that ends it.
 */
export function followNews(options: NewsOptions): () => void {
  const { fleet, memory, effects } = options;
  const mayCheck = createBudget(() => effects.clock.now());
  let backAt = -Infinity;
  return fleet.onNews((news: FleetNews): void => {
    switch (news.kind) {
      case "policy":
        return hearPolicy(news.policy, { options, mayCheck });
      case "failure":
        if (memory.known(news.failure.domain) !== undefined) takeFailure(news.failure, options);
        return;
      case "purge":
        return hearPurge(news, options);
      case "back":
        if (effects.clock.now() - backAt < BACK_PAUSE_MS) return;
        backAt = effects.clock.now();
        // A policy announced in the meantime never reached this host.
        return memory.endAbsences();
    }
  });
}

function hearPolicy(
  shared: FleetPolicy,
  { options, mayCheck }: { options: NewsOptions; mayCheck: (domain: string) => boolean },
): void {
  const { memory, checker } = options;
  const { domain } = shared;
  const known = memory.known(domain);
  if (known === undefined || isIdle(shared, known.held)) return;
  const { step, held } = takePolicy(shared, options);
  if (step === "adopt" && held !== undefined) return checker.answer(held);
  if (step !== "check" || !mayCheck(domain)) return;
  if (held === undefined) memory.endAbsence(domain);
  checker.check(domain, held === undefined ? {} : { urgent: true, doubt: true });
}

/** Whether unsigned news says no more than what is known. */
function isIdle(shared: FleetPolicy, held: HeldPolicy | undefined): boolean {
  return !shared.isSigned && held?.id === shared.id && held.text === shared.text &&
    shared.fetchedAt - held.fetchedAt < RENEWAL_MS;
}

function hearPurge(
  { domain, at }: Extract<FleetNews, { kind: "purge" }>,
  { memory, forget, effects: { observe } }: NewsOptions,
): void {
  const held = memory.known(domain)?.held;
  // What was fetched since then is not what the operator had in view.
  if (held !== undefined && held.fetchedAt > at) return;
  forget(domain);
  if (held !== undefined) observe({ kind: "purged", domain });
}

/** Says whether unsigned news may cause one more check of a domain. */
function createBudget(now: () => number): (domain: string) => boolean {
  /** The last checks, the oldest first. */
  const checked = new Map<string, { readonly at: number; readonly pause: number }>();
  let since = now();
  let count = 0;
  return (domain) => {
    const time = now();
    if (time - since >= CHECK_PAUSE_MS) [since, count] = [time, 0];
    const last = checked.get(domain);
    const isCalm = last === undefined || time - last.at >= 2 * MAX_PAUSE_MS;
    if (count >= MAX_CHECKS || (!isCalm && time - last.at < last.pause)) return false;
    count++;
    checked.delete(domain);
    const pause = isCalm ? CHECK_PAUSE_MS : Math.min(2 * last.pause, MAX_PAUSE_MS);
    checked.set(domain, { at: time, pause });
    if (checked.size > MAX_REMEMBERED) checked.delete(checked.keys().next().value!);
    return true;
  };
}
