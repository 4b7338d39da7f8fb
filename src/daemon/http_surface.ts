/**
 * Puts the HTTP surface of the daemon together: metrics, health and status page.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import type { Config } from "../config/types.ts";
import { createAnswerCounts } from "../status/answer_counts.ts";
import type { AnswerCounts } from "../status/answer_counts.ts";
import type { ExceptionState } from "../status/exception_watch.ts";
import { declareGauges } from "../status/gauges.ts";
import { createHealth } from "../status/health.ts";
import { startHistory } from "../status/history.ts";
import { createRecentEvents } from "../status/recent_events.ts";
import type { RecentEvents } from "../status/recent_events.ts";
import { createSite } from "../status/site.ts";
import type { Site } from "../status/site.ts";
import { type AddressChange, OpenAddresses } from "./address_change.ts";
import type { DaemonContext } from "./context.ts";
import type { Engine } from "./engine.ts";
import { serveSite } from "./serve_site.ts";
import { VERSION } from "../base/version.ts";

/** What {@link createHttpSurface} works with. */
export interface HttpSurfaceOptions {
  readonly context: Omit<DaemonContext, "events" | "counts">;
  /** The exceptions of the configuration. */
  readonly exceptions: () => readonly ExceptionState[];
  /** The running engine, which a reload replaces. */
  readonly engine: () => Pick<Engine, "resolver" | "dnssec" | "fleet" | "memory" | "settleCounts">;
  /** Sockets on which queries are accepted. */
  readonly sockets: () => number;
  /** `refresh.forget_after` now, ms. */
  readonly forgetAfter: () => number;
}

/** The HTTP surface of a daemon. */
export interface HttpSurface extends Pick<RecentEvents, "note"> {
  /** Counts answers for the pages of a configuration; `undefined` if it has none. */
  countsFor(config: Config): AnswerCounts | undefined;
  /** Opens the addresses that a configuration names. @throws {Error} With one line for the operator. */
  open(config: Config): Promise<AddressChange>;
  /** Closes all addresses. */
  close(): void;
}

/**
 * Creates the HTTP surface; no address is open yet. A daemon that never has one records nothing for it.
 */
export function createHttpSurface(options: HttpSurfaceOptions): HttpSurface {
  const { clock, log } = options.context;
  let records: Records | undefined;
  let pages: Pages | undefined;
  const record = () => records ??= createRecords(options);
  const addresses = new OpenAddresses(async (address) => {
    pages ??= await createPages(options, record());
    return await serveSite(address, { ...pages, clock, log });
  }, log);
  return {
    note: (event) => records?.events.note(event),
    countsFor: ({ http }) => http.length === 0 ? undefined : record().counts,
    open: ({ http }) => addresses.change(http),
    close(): void {
      addresses.close();
      pages?.stop();
    },
  };
}

/** What is recorded for the pages. */
interface Records {
  readonly events: RecentEvents;
  readonly counts: AnswerCounts;
}

function createRecords({ context: { clock }, engine }: HttpSurfaceOptions): Records {
  return {
    events: createRecentEvents({
      now: clock.now,
      createMap: (maxEntries) => new GenerationalMap(maxEntries),
    }),
    counts: createAnswerCounts({
      createMap: (maxEntries) => new GenerationalMap(maxEntries),
      settle: () => engine().settleCounts(),
    }),
  };
}

/** The pages, and what is counted of their clients. */
interface Pages {
  readonly site: Site;
  /** A connection lost its place. */
  readonly displaced: () => void;
  stop(): void;
}

async function createPages(options: HttpSurfaceOptions, records: Records): Promise<Pages> {
  const { context, engine, sockets, exceptions } = options;
  const { clock, store, deferrals } = context;
  const { now } = clock;
  const facts = {
    ...context,
    ...records,
    now,
    hostname: Deno.hostname(),
    version: VERSION,
    // The monotonic clock begins with the process.
    startedAt: now() - performance.now(),
    exceptions,
    fleet: () => engine().fleet?.status(),
    report: (domain: string) => engine().resolver.report(domain),
  };
  declareGauges({
    ...facts,
    forgetAfter: options.forgetAfter,
    load: () => engine().resolver.load(),
    memory: () => engine().memory(),
  });
  const health = createHealth({
    clock,
    wall: Date.now,
    doubted: () => clock.doubted(),
    sockets,
    store,
    deferrals,
    refusal: () => context.reloads.refusal(),
    probe: () => engine().dnssec.ask(),
    validates: () => engine().dnssec.validates(),
    resolvers: () => engine().dnssec.resolvers(),
    exceptions,
    fleet: facts.fleet,
  });
  const lost = context.metrics.counter(
    "mta_sts_http_connections_displaced_total",
    "HTTP connections that lost their place to another, or found none.",
  ).cell();
  const history = startHistory(context);
  const site = await createSite({ ...facts, history, health });
  return { site, displaced: () => void lost.value++, stop: () => history.stop() };
}
