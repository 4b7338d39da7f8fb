/**
 * The domains whose mail waits: Postfix was last answered `TEMP`, or a policy that no MX host matches.
 *
 * The first such answer for a next hop in a zone makes an entry. The entry ends with the next other answer, or
 * when Postfix has not asked for {@link FORGET_MS}: then the mail has left its queue. Such an answer is never
 * kept as a ready reply, so each one is counted here, and ready replies never get here.
 *
 * @module
 */

import type { TempCause } from "../resolver/types.ts";
import { formatNextHop, type NextHop } from "../sts/domain.ts";

/**
 * An entry ends this long after the last query, ms. Postfix asks again for mail that waits after 4000 s at
 * most, and a queue run of 300 s (`maximal_backoff_time`, `queue_run_delay`); this is well above that.
 */
const FORGET_MS = 2 * 3600 * 1000;

/**
 * Next hops remembered, about 500 octets each. If more are deferred, DNS is down, and more names
 * would say no more; the one that Postfix asked for longest ago makes room.
 */
const MAX_ENTRIES = 2000;

/**
 * Why mail waits: what the resolver could not decide, a policy that no MX host matches or that does not fit into
 * a reply, or a bug.
 */
export type DeferralCause = TempCause | "mx-mismatch" | "unprintable" | "bug";

/** A next hop that is deferred. Times in ms. */
export interface Deferral {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** In Postfix's form. */
  readonly nextHop: string;
  /** Name of the zone. */
  readonly zone: string;
  readonly cause: DeferralCause;
  /** As Postfix got it last. */
  readonly reason: string;
  /** When it was first deferred. */
  readonly since: number;
  /** When Postfix asked last. */
  readonly lastAt: number;
  /** How often Postfix asked. */
  readonly count: number;
}

/** A reply that was worked out; `postfix/responder.ts` passes each on. */
export interface NotedReply {
  readonly nextHop: NextHop;
  readonly zone: { readonly name: string };
  /** Why the mail waits; `undefined` for any other answer. */
  readonly temp?: { readonly cause: DeferralCause; readonly reason: string };
}

/** The record. */
export interface Deferrals {
  /** Takes note of a reply. Does not throw. */
  note(reply: NotedReply): void;
  /** Those deferred now, longest first; at most `limit`. */
  list(limit: number): Deferral[];
  /** Those of one domain. */
  of(domain: string): Deferral[];
  /** Number of domains that are deferred now, of {@link MAX_ENTRIES} next hops. */
  count(): number;
  /** When the one deferred longest was first deferred, ms; `undefined` if there is none. */
  since(): number | undefined;
}

/** Creates an empty record. @param options The current time in ms, and the bound, for tests. */
export function createDeferrals(
  { now, maxEntries = MAX_ENTRIES }: { now: () => number; maxEntries?: number },
): Deferrals {
  /** By zone and next hop, the one asked for longest ago first. */
  const entries = new Map<string, Deferral>();

  function current(): Deferral[] {
    const end = now() - FORGET_MS;
    for (const [key, { lastAt }] of entries) {
      if (lastAt > end) break;
      entries.delete(key);
    }
    return [...entries.values()];
  }

  return {
    note({ nextHop, zone, temp }): void {
      if (temp === undefined && entries.size === 0) return;
      const form = formatNextHop(nextHop);
      const key = `${zone.name} ${form}`;
      const at = now();
      const known = entries.get(key);
      entries.delete(key);
      if (temp === undefined) return;
      const before = known !== undefined && at - known.lastAt < FORGET_MS ? known : undefined;
      if (entries.size >= maxEntries) entries.delete(entries.keys().next().value!);
      entries.set(key, {
        domain: nextHop.domain,
        nextHop: form,
        zone: zone.name,
        ...temp,
        since: before?.since ?? at,
        lastAt: at,
        count: (before?.count ?? 0) + 1,
      });
    },
    list: (limit) => current().sort((one, other) => one.since - other.since).slice(0, limit),
    of: (domain) => current().filter((entry) => entry.domain === domain),
    count: () => new Set(current().map(({ domain }) => domain)).size,
    since: () =>
      current().reduce<number | undefined>(
        (least, { since }) => least === undefined || since < least ? since : least,
        undefined,
      ),
  };
}
