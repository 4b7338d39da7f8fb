/**
 * The MX and DANE views of next hops, remembered.
 *
 * A view is used while fresh (its TTL). After that a query waits a moment for new
 * answers and goes on with the last known view if they do not come, as resolvers do
 * with stale records (RFC 8767), for a day at most. So a dead DNS neither delays nor
 * changes what is answered for a known next hop, and a DANE domain whose lookups are
 * made to fail does not become a domain without DANE.
 *
 * @module
 */

import type { PolicyStore, StoredMx } from "../cache/types.ts";
import type { DnsClient } from "../dns/types.ts";
import { formatNextHop, isHostname } from "../sts/domain.ts";
import type { NextHop } from "../sts/domain.ts";
import type { Clock } from "./clock.ts";
import { assessMx } from "./dane.ts";
import { withDeadline } from "./deadline.ts";
import type { BoundedMap, MxResult, MxView, ResolverEvent } from "./types.ts";

/** How long a view may stand in for lookups that fail, ms: a day, in which an outage of DNS is noticed. */
const STALE_LIMIT_MS = 24 * 3600 * 1000;

/** How long a query waits for new answers while a stale view is at hand, ms; answers from a known next hop stay below 50. */
const STALE_WAIT_MS = 40;

/** No new attempt sooner after lookups failed, ms. */
const RETRY_MS = 30_000;

/** Failures remembered; beyond this they are all dropped, at the price of one more lookup each. */
const MAX_FAILURES = 10_000;

/** An unchanged view is written to the store again after this, ms. */
const REWRITE_MS = 3600 * 1000;

/** What {@link createMxViews} needs. */
export interface MxViewsOptions {
  readonly lookup: DnsClient["lookup"];
  readonly store: PolicyStore;
  readonly clock: Clock;
  readonly observe: (event: ResolverEvent) => void;
  /** Views held in memory. */
  readonly views: BoundedMap<MxView>;
  /** Whether to look for DANE at this moment. */
  readonly dane: () => boolean;
}

/** The remembered views. */
export interface MxViews {
  /**
   * The view of a next hop.
   *
   * @param wait Milliseconds the caller can wait when nothing is known.
   * @returns At once when a fresh view is at hand; never rejects.
   */
  view(nextHop: NextHop, wait: number): MxResult | Promise<MxResult>;
  /** The last known view, for display. */
  peek(nextHop: NextHop): MxView | undefined;
  /** Forgets the view of a domain that is purged. */
  forget(nextHop: NextHop): void;
}

/** Creates the memory of views. */
export function createMxViews(options: MxViewsOptions): MxViews {
  const { clock, store, views } = options;
  const flights = new Map<string, Promise<MxResult>>();
  /** Failures by next hop, with the time of the next attempt. */
  const failures = new Map<string, { result: MxResult; retryAt: number }>();

  function lastKnown(name: string): MxView | undefined {
    const held = views.get(name);
    if (held !== undefined) return held;
    const stored = store.getMx(name);
    const view = stored === undefined ? undefined : readView(stored);
    if (view !== undefined) views.set(name, view);
    return view;
  }

  async function assess(nextHop: NextHop, name: string): Promise<MxResult> {
    const started = clock.now();
    const result = await assessMx(nextHop, {
      lookup: options.lookup,
      dane: options.dane(),
      now: started,
    });
    options.observe({ kind: "mx", nextHop: name, result, ms: clock.now() - started });
    if (result.kind === "known") {
      failures.delete(name);
      // In memory if it is stored at all: whoever asked for this has looked.
      const previous = views.get(name);
      views.set(name, result.view);
      if (previous === undefined || needsWriting(result.view, previous)) {
        store.putMx(writeView(result.view));
      }
    } else {
      if (failures.size >= MAX_FAILURES) failures.clear();
      failures.set(name, { result, retryAt: clock.now() + RETRY_MS });
    }
    return result;
  }

  function startAssessment(nextHop: NextHop, name: string): Promise<MxResult> {
    const running = flights.get(name);
    if (running !== undefined) return running;
    const flight = assess(nextHop, name).finally(() => flights.delete(name));
    flights.set(name, flight);
    return flight;
  }

  async function viewSlowly(
    nextHop: NextHop,
    name: string,
    { stale, wait }: { stale: MxView | undefined; wait: number },
  ): Promise<MxResult> {
    const flight = startAssessment(nextHop, name);
    const result = await withDeadline(flight, { ms: stale ? STALE_WAIT_MS : wait, clock });
    if (result?.kind === "known") return result;
    if (stale !== undefined) return { kind: "known", view: stale };
    return result ?? { kind: "failed", reason: "timeout", detail: "no answer in time" };
  }

  return {
    view(nextHop: NextHop, wait: number): MxResult | Promise<MxResult> {
      const now = clock.now();
      const name = formatNextHop(nextHop);
      const view = lastKnown(name);
      if (view !== undefined && now < view.freshUntil) return { kind: "known", view };
      const stale = usableStale(view, now);
      const failure = failures.get(name);
      if (failure !== undefined && now < failure.retryAt) {
        return stale === undefined ? failure.result : { kind: "known", view: stale };
      }
      return viewSlowly(nextHop, name, { stale, wait });
    },
    peek: (nextHop: NextHop) => lastKnown(formatNextHop(nextHop)),
    forget(nextHop: NextHop): void {
      views.delete(formatNextHop(nextHop));
      failures.delete(formatNextHop(nextHop));
    },
  };
}

function usableStale(view: MxView | undefined, now: number): MxView | undefined {
  return view !== undefined && now - view.checkedAt < STALE_LIMIT_MS ? view : undefined;
}

function needsWriting(view: MxView, previous: MxView): boolean {
  return view.dane !== previous.dane || view.hosts?.join() !== previous.hosts?.join() ||
    view.checkedAt - previous.checkedAt >= REWRITE_MS;
}

function writeView({ nextHop, dane, hosts, checkedAt, freshUntil }: MxView): StoredMx {
  return {
    nextHop,
    json: JSON.stringify({ dane, hosts, life: freshUntil - checkedAt }),
    checkedAt,
  };
}

const DANE_STATES: readonly unknown[] = ["usable", "absent", "insecure", "unchecked"];

/** Reads a stored view. @returns `undefined` for what is not exactly of its form: it counts as not stored. */
export function readView({ nextHop, json, checkedAt }: StoredMx): MxView | undefined {
  let data: { dane?: unknown; hosts?: unknown; life?: unknown };
  try {
    data = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof data !== "object" || data === null) return undefined;
  const { dane, hosts, life } = data;
  if (!DANE_STATES.includes(dane)) return undefined;
  if (typeof life !== "number" || !(life >= 0 && life <= STALE_LIMIT_MS)) return undefined;
  if (hosts !== undefined && !isHostList(hosts)) return undefined;
  return { nextHop, dane: dane as MxView["dane"], hosts, checkedAt, freshUntil: checkedAt + life };
}

function isHostList(value: unknown): value is string[] {
  return Array.isArray(value) &&
    value.every((host) => typeof host === "string" && isHostname(host));
}
