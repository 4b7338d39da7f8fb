/**
 * Puts the HTTP surface of the daemon together: metrics, health and status page.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import type { Config, ListenAddress } from "../config/types.ts";
import type { ExceptionState } from "../status/exception_watch.ts";
import { createAnswerCounts } from "../status/answer_counts.ts";
import type { AnswerCounts } from "../status/answer_counts.ts";
import { declareGauges } from "../status/gauges.ts";
import { createHealth } from "../status/health.ts";
import { startHistory } from "../status/history.ts";
import { createHttpServer } from "../http/server.ts";
import type { HttpServer } from "../http/server.ts";
import { createRecentEvents } from "../status/recent_events.ts";
import type { RecentEvents } from "../status/recent_events.ts";
import { createSite, forLocalNames } from "../status/site.ts";
import type { Site } from "../status/site.ts";
import { openSocket } from "../postfix/listen.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { DaemonContext } from "./context.ts";
import type { Engine } from "./engine.ts";
import { VERSION } from "../base/version.ts";

/** What {@link openHttpSurface} works with. */
export interface HttpSurfaceOptions {
  readonly context: DaemonContext;
  readonly events: RecentEvents;
  /** The exceptions of the configuration. */
  readonly exceptions: () => readonly ExceptionState[];
  /** The running engine, which a reload replaces. */
  readonly engine: () => Pick<Engine, "resolver" | "dnssec" | "memory">;
  readonly counts: AnswerCounts;
  /** Sockets on which queries are accepted. */
  readonly sockets: () => number;
}

/** Creates the counts of answers by domain. @param settle Adds the uses of the ready replies in use. */
export function countAnswers(settle: () => void): AnswerCounts {
  return createAnswerCounts({
    createMap: (maxEntries) => new GenerationalMap(maxEntries),
    settle,
  });
}

/** Creates the record of what happens to each domain. */
export function recordEvents({ now }: Clock): RecentEvents {
  return createRecentEvents({
    now,
    createMap: (maxEntries) => new GenerationalMap(maxEntries),
  });
}

/**
 * Opens the HTTP surface on all addresses of the configuration.
 *
 * @returns A function that closes it.
 * @throws {Error} If an address cannot be used; with one line for the operator.
 */
export async function openHttpSurface(
  config: Config,
  options: HttpSurfaceOptions,
): Promise<() => void> {
  const { context, events, engine, sockets, counts } = options;
  const { clock, log, store, deferrals } = context;
  const { now } = clock;
  const facts = {
    ...context,
    events,
    counts,
    now,
    hostname: Deno.hostname(),
    version: VERSION,
    // The monotonic clock begins with the process.
    startedAt: now() - performance.now(),
    exceptions: options.exceptions,
    report: (domain: string) => engine().resolver.report(domain),
  };
  declareGauges({
    ...facts,
    forgetAfter: config.refresh.forgetAfter,
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
    exceptions: facts.exceptions,
  });
  const lost = context.metrics.counter(
    "mta_sts_http_connections_displaced_total",
    "HTTP connections that lost their place to another, or found none.",
  ).cell();
  const displaced = () => void lost.value++;
  const history = startHistory(context);
  const site = await createSite({ ...facts, history, health });
  const servers: HttpServer[] = [];
  const close = () => {
    for (const server of servers) server.close();
    history.stop();
  };
  try {
    for (const address of config.http) {
      servers.push(await serve(address, { site, clock, log, displaced }));
    }
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

async function serve(
  address: ListenAddress,
  { site, clock, log, displaced }: {
    site: Site;
    clock: Clock;
    log: Log;
    displaced: () => void;
  },
): Promise<HttpServer> {
  const socket = await openSocket(address);
  const handle = isLoopback(address) ? forLocalNames(site) : site;
  const server = createHttpServer({ handle, clock, log, displaced });
  server.serve(socket);
  log.info("serving http", { address: formatEndpoint(socket.address) });
  return server;
}

/** Whether only this machine can connect. A UNIX socket does not count: no browser can be led to it. */
function isLoopback(address: ListenAddress): boolean {
  return address.kind === "inet" && /^(?:127\.|::1$|localhost$)/.test(address.hostname);
}
