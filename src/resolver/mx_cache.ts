/**
 * The MX and DANE views of next hops, remembered.
 *
 * A view is used while fresh (its TTL), and renewed in the background when it is used near its end. After
 * that a query asks DNS; the last known view stands in when the lookups fail, or do not end in a second or
 * two, as with stale records (RFC 8767), for a day at most. So a dead DNS hardly delays and does not
 * change the answer for a known next hop, and an attacker who makes the lookups of a DANE domain fail does
 * not turn it into a domain without DANE.
 *
 * In a fleet, another host's view stands in where there is no own one ({@link SharedViews}).
 *
 * Only answers that were validated throughout, about every host that had DANE, take the verdict `usable` away.
 *
 * @module
 */

import type { DomainStore } from "../cache/types.ts";
import type { DnsClient } from "../dns/types.ts";
import { formatNextHop } from "../sts/domain.ts";
import type { NextHop } from "../sts/domain.ts";
import type { Clock } from "../base/clock.ts";
import { assessMx } from "./dane.ts";
import { withDeadline } from "../base/wait.ts";
import type { SharedViews } from "./fleet_views.ts";
import { readView, writeView } from "./stored_view.ts";
import type { BoundedMap, MxResult, MxView, ResolverEvent } from "./types.ts";
import {
  counts,
  keepDane,
  needsWriting,
  renewalTime,
  UNVALIDATED,
  usableStale,
} from "./mx_verdict.ts";
import type { DaneSight, MxFailure } from "./mx_verdict.ts";

/**
 * How long a query waits for new answers while a stale view is at hand, ms. A healthy DNS resolver answers
 * within this time, from the far side of the world and with a lost packet; Postfix does not notice the wait.
 */
const STALE_WAIT_MS = 1500;

/**
 * The same while another host's view is at hand, ms. Only the first answers of a host that has just started wait for
 * this long, often a whole queue of mail; a policy was asked for before, and the answer is to come within a second.
 */
const SHARED_WAIT_MS = 750;

/** No new attempt sooner after lookups failed, ms. */
const RETRY_MS = 30_000;

/** Failures remembered; beyond this they are all dropped, at the price of one more lookup each. */
const MAX_FAILURES = 10_000;

/** Views held of one domain, the latest first: with and without brackets, and a few ports. */
const VIEWS_PER_DOMAIN = 8;

/** What {@link createMxCache} needs. */
export interface MxCacheOptions {
  /** Asks DNS. */
  readonly lookup: DnsClient["lookup"];
  /** Keeps views across restarts. */
  readonly store: Pick<DomainStore, "getMx" | "hidesMx" | "putMx">;
  /** The time. */
  readonly clock: Clock;
  /** Hears of every assessment. */
  readonly observe: (event: ResolverEvent) => void;
  /** Views held in memory, by domain. */
  readonly views: BoundedMap<readonly MxView[]>;
  /** How DANE is looked for now. */
  readonly sight: () => DaneSight;
  /** The views of other hosts; absent if this host is alone. */
  readonly shared?: SharedViews | undefined;
}

/** The remembered views. */
export interface MxCache {
  /**
   * The view of a next hop.
   *
   * @param wait Milliseconds the caller can wait when nothing is known.
   * @returns At once when a fresh view is at hand; never rejects.
   */
  view(nextHop: NextHop, wait: number): MxResult | Promise<MxResult>;
  /** Begins the look-up of a next hop of which nothing is known: {@link view} then waits for less. */
  prepare(nextHop: NextHop): void;
  /** The last known view, for display. */
  peek(nextHop: NextHop): MxView | undefined;
  /** Forgets the views of a domain that is purged, in every form of next hop; lookups under way are not kept. */
  forget(domain: string): void;
}

/** Lookups under way. */
interface Flight {
  readonly domain: string;
  readonly startedAt: number;
  readonly result: Promise<MxResult>;
  /** The view of another host, once a query has need of it. */
  shared?: Promise<MxView | undefined>;
  /** The operator has purged the domain. */
  isForgotten?: boolean;
}

/** Creates the memory of views. */
export function createMxCache(options: MxCacheOptions): MxCache {
  return new Views(options);
}

class Views implements MxCache {
  readonly #options: MxCacheOptions;
  readonly #flights = new Map<string, Flight>();
  /** Failures by next hop, with the time of the next attempt. */
  readonly #failures = new Map<string, { domain: string; result: MxFailure; retryAt: number }>();

  constructor(options: MxCacheOptions) {
    this.#options = options;
  }

  view(nextHop: NextHop, wait: number): MxResult | Promise<MxResult> {
    const { clock, sight } = this.#options;
    const now = clock.now();
    const name = formatNextHop(nextHop);
    const last = this.#lastKnown(nextHop.domain, name);
    const view = last !== undefined && counts(last, sight()) ? last : undefined;
    const failure = this.#failures.get(name);
    const isHeldOff = failure !== undefined && now < failure.retryAt;
    if (view !== undefined && now < view.freshUntil) {
      if (now >= renewalTime(view) && !isHeldOff) this.#start(nextHop, name);
      return { kind: "known", view };
    }
    const stale = usableStale(view, now);
    if (isHeldOff) return stale === undefined ? failure.result : { kind: "known", view: stale };
    const flight = this.#start(nextHop, name);
    if (stale === undefined) {
      return this.#options.shared === undefined
        ? this.#viewSlowly(flight, { stale, wait })
        : this.#viewBesideShared(flight, { name, wait });
    }
    // A later query waits for the rest of the time only.
    const left = Math.min(wait, flight.startedAt + STALE_WAIT_MS - now);
    return left > 0
      ? this.#viewSlowly(flight, { stale, wait: left })
      : { kind: "known", view: stale };
  }

  prepare(nextHop: NextHop): void {
    const name = formatNextHop(nextHop);
    if (this.#failures.has(name) || this.#lastKnown(nextHop.domain, name) !== undefined) return;
    this.#start(nextHop, name);
  }

  peek(nextHop: NextHop): MxView | undefined {
    return this.#lastKnown(nextHop.domain, formatNextHop(nextHop));
  }

  forget(domain: string): void {
    this.#options.views.delete(domain);
    for (const flight of this.#flights.values()) {
      if (flight.domain === domain) flight.isForgotten = true;
    }
    for (const held of [this.#flights, this.#failures]) {
      for (const [name, entry] of held) if (entry.domain === domain) held.delete(name);
    }
  }

  /** Nothing is known here: DNS has a while for its answer, then what another host saw stands in. */
  async #viewBesideShared(
    flight: Flight,
    { name, wait }: { name: string; wait: number },
  ): Promise<MxResult> {
    const { clock, sight, shared } = this.#options;
    const end = clock.now() + wait;
    const asking = flight.shared ??= shared?.ask(name) ?? Promise.resolve(undefined);
    const ms = Math.min(wait, SHARED_WAIT_MS);
    const result = await withDeadline(flight.result, { ms, clock });
    if (result?.kind === "known" && counts(result.view, sight())) return result;
    const view = await withDeadline(asking, { ms: Math.max(0, end - clock.now()), clock });
    if (view !== undefined && !flight.isForgotten && counts(view, sight())) {
      const own = this.#lastKnown(flight.domain, name);
      if (usableStale(own, clock.now()) === undefined) this.#hold(flight.domain, view);
      return { kind: "known", view };
    }
    return this.#viewSlowly(flight, { stale: undefined, wait: Math.max(0, end - clock.now()) });
  }

  async #viewSlowly(
    flight: Flight,
    { stale, wait }: { stale: MxView | undefined; wait: number },
  ): Promise<MxResult> {
    const { clock, sight } = this.#options;
    const result = await withDeadline(flight.result, { ms: wait, clock });
    if (result?.kind === "known" && counts(result.view, sight())) return result;
    if (stale !== undefined) return { kind: "known", view: stale };
    if (result?.kind === "known") return UNVALIDATED;
    return result ?? { kind: "failed", reason: "timeout", detail: "no answer in time" };
  }

  #start(nextHop: NextHop, name: string): Flight {
    const running = this.#flights.get(name);
    if (running !== undefined) return running;
    const { clock, sight } = this.#options;
    const isWanted = () => this.#flights.get(name) === flight;
    const flight: Flight = {
      domain: nextHop.domain,
      startedAt: clock.now(),
      result: Promise.resolve().then(async () => {
        const result = await this.#assess(nextHop, { name, isWanted });
        // Meanwhile it may have become known that the resolver validates, as it does soon after the start.
        const isEnough = result.kind === "failed" || counts(result.view, sight());
        return isEnough ? result : await this.#assess(nextHop, { name, isWanted });
      }).finally(() => {
        if (isWanted()) this.#flights.delete(name);
      }),
    };
    this.#flights.set(name, flight);
    return flight;
  }

  async #assess(
    nextHop: NextHop,
    { name, isWanted }: { name: string; isWanted: () => boolean },
  ): Promise<MxResult> {
    const { lookup, clock, sight, observe, shared } = this.#options;
    const started = clock.now();
    const seeing = sight();
    const previous = this.#lastKnown(nextHop.domain, name);
    const found = await assessMx(nextHop, {
      lookup,
      dane: seeing === "lenient" || seeing === "strict",
      validated: seeing === "strict",
      clock,
      previous,
    });
    // What another host saw may have come meanwhile.
    const held = shared === undefined ? previous : this.#lastKnown(nextHop.domain, name);
    const result = seeing === "off" ? found : keepDane(found, usableStale(held, clock.now()));
    observe({ kind: "mx", nextHop: name, result, ms: clock.now() - started });
    if (isWanted()) this.#note(result, { domain: nextHop.domain, name });
    return result;
  }

  /** Remembers what was found. */
  #note(
    result: MxResult,
    { domain, name }: { domain: string; name: string },
  ): void {
    const { clock, store, sight, shared } = this.#options;
    const failures = this.#failures;
    if (result.kind === "known") {
      failures.delete(name);
      this.#hold(domain, result.view);
      // What was renewed in memory alone, or is another host's, is older in the store, or not there.
      const stored = store.getMx(name);
      const written = stored === undefined ? undefined : readView(stored);
      // A view that found DANE may be in the store: one that was not validated does not replace it.
      if (written === undefined && !result.view.validated && store.hidesMx(name)) return;
      if (written === undefined || needsWriting(result.view, written)) {
        store.putMx(writeView(result.view));
        shared?.publish(result.view, sight());
      }
    } else {
      if (failures.size >= MAX_FAILURES) failures.clear();
      failures.set(name, { domain, result, retryAt: clock.now() + RETRY_MS });
    }
  }

  #lastKnown(domain: string, name: string): MxView | undefined {
    const { views, store } = this.#options;
    const held = views.get(domain)?.find((view) => view.nextHop === name);
    if (held !== undefined) return held;
    const stored = store.getMx(name);
    const view = stored === undefined ? undefined : readView(stored);
    if (view !== undefined) this.#hold(domain, view);
    return view;
  }

  #hold(domain: string, view: MxView): void {
    const { views } = this.#options;
    const others = views.get(domain)?.filter(({ nextHop }) => nextHop !== view.nextHop) ?? [];
    views.set(domain, [view, ...others].slice(0, VIEWS_PER_DOMAIN));
  }
}
