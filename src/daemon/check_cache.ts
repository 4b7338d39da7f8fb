/**
 * What `check` sees of our own domains, for pages: looked up in the background when somebody wants to know, and kept
 * for a while. No page waits for it.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import type { Log } from "../base/log.ts";
import { createPool } from "../base/pool.ts";
import { withDeadline } from "../base/wait.ts";
import type { CheckState, SeenNow } from "../status/check_seen.ts";

/** A check is repeated when a page is looked at and it is older than this, ms: long enough to reload a page in peace. */
export const CHECK_FRESH_MS = 15 * 60_000;

/** After a check that could not be made, ms. */
const RETRY_MS = 5 * 60_000;

/** A check that takes longer is given up, ms: 20 MX hosts that do not answer take about a minute. */
export const CHECK_MS = 3 * 60_000;

/** Domains checked at the same time; each opens up to 16 connections. */
const CHECKS_AT_ONCE = 2;

/** Checks that wait. Somebody who opens page after page makes no longer queue; the next look starts what was left out. */
const CHECKS_WAITING = 20;

/** Domains whose result is kept: some 10 KB each. */
const DOMAINS_KEPT = 2000;

/** What {@link createCheckCache} works with. */
export interface CheckCacheOptions {
  /** Checks a domain in lower-case A-labels; `undefined` if nobody checks. */
  readonly check: ((domain: string) => Promise<SeenNow>) | undefined;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly log: Pick<Log, "warn">;
}

/** The results of checks. */
export interface CheckCache {
  /** What is known of a domain of ours now. Starts a check if that is old; never waits. */
  look(domain: string): CheckState;
}

/** A result, or why there is none. */
type Known =
  | { readonly kind: "seen"; readonly at: number; readonly seen: SeenNow }
  | { readonly kind: "failed"; readonly at: number; readonly reason: string };

/** Creates the cache; it is empty. */
export function createCheckCache({ check, clock, log }: CheckCacheOptions): CheckCache {
  const known = new GenerationalMap<Known>(DOMAINS_KEPT);
  const underWay = new Set<string>();
  const pool = createPool(CHECKS_AT_ONCE);
  if (check === undefined) return { look: () => ({ kind: "off" }) };

  /** Never rejects. */
  async function run(domain: string, make: (domain: string) => Promise<SeenNow>): Promise<void> {
    underWay.add(domain);
    known.set(domain, await pool(() => attempt(make(domain))));
    underWay.delete(domain);
  }

  async function attempt(result: Promise<SeenNow>): Promise<Known> {
    try {
      const seen = await withDeadline(result, { ms: CHECK_MS, clock });
      if (seen !== undefined) return { kind: "seen", at: clock.now(), seen };
      return { kind: "failed", at: clock.now(), reason: "it took too long" };
    } catch (error) {
      const reason = messageOf(error);
      log.warn("check of an own domain failed", { reason });
      return { kind: "failed", at: clock.now(), reason };
    }
  }

  return {
    look(domain: string): CheckState {
      const last = known.get(domain);
      const age = last === undefined ? Infinity : clock.now() - last.at;
      const isOld = age >= (last?.kind === "failed" ? RETRY_MS : CHECK_FRESH_MS);
      const hasPlace = underWay.size < CHECKS_AT_ONCE + CHECKS_WAITING;
      if (isOld && hasPlace && !underWay.has(domain)) void run(domain, check);
      if (last === undefined) return { kind: "running" };
      if (last.kind === "failed") return last;
      return { kind: "seen", seen: last.seen, isRunning: underWay.has(domain) };
    },
  };
}
