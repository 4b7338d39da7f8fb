/**
 * All that a configuration decides about an answer: the way out, the resolver, and what
 * keeps it fresh. On reload a new engine takes over from the old one; the store, the
 * counters and the listening sockets stay.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import type { PolicyStore } from "../cache/types.ts";
import type { Config } from "../config/types.ts";
import { zoneFor } from "../config/zones.ts";
import { watchDnssec } from "../dns/dnssec_watch.ts";
import type { DnssecWatch } from "../dns/dnssec_watch.ts";
import { DNS_FAILURES } from "../dns/types.ts";
import { FETCH_FAILURES } from "../sts/fetch_failure.ts";
import { createObserver } from "../status/observer.ts";
import type { RecentEvents } from "../status/recent_events.ts";
import type { Log, Metrics } from "../base/telemetry.ts";
import type { Warnings } from "../base/warnings.ts";
import type { Handler } from "../postfix/connection.ts";
import { createResponder, readyReplyOctets } from "../postfix/responder.ts";
import type { ReadyReply } from "../postfix/responder.ts";
import { type MemoryShares, shareMemory } from "./memory_shares.ts";
import type { ProcessClock } from "../base/clock.ts";
import { startStoreMaintenance } from "./store_maintenance.ts";
import { startRefresher } from "../resolver/refresher.ts";
import { createResolver } from "../resolver/resolver.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { openNetwork } from "./network.ts";
import type { Network } from "./network.ts";

/** What outlives a reload. */
export interface DaemonContext {
  readonly clock: ProcessClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly warnings: Warnings;
  readonly store: PolicyStore;
  /** Takes note of what happens to each domain, if there is somebody to read it. */
  readonly events?: Pick<RecentEvents, "note">;
}

/** A running engine. */
export interface Engine {
  readonly respond: Handler;
  readonly resolver: Resolver;
  readonly network: Network;
  readonly dnssec: DnssecWatch;
  /** About how many octets of memory are taken, by what. */
  memory(): MemoryShares;
  /** Ends what runs by itself; a check under way ends with a failure, which changes nothing that is held. */
  stop(): void;
  /** Like {@link stop}, but queries and checks under way come to their end. */
  retire(): void;
}

/** After this all queries and checks of a retired engine have reached their deadlines, as a rule, ms. */
const RETIRE_MS = 120_000;

/**
 * Puts an engine together and starts it.
 *
 * @throws {UsageError} If the trust roots cannot be read; nothing is started then.
 */
export async function startEngine(config: Config, context: DaemonContext): Promise<Engine> {
  const { clock, store } = context;
  const network = await openNetwork(config, context);
  const dnssec = watchDnssec({ ...context, dns: network.dns });
  const observe = createObserver({
    ...context,
    now: clock.now,
    refreshInterval: config.refresh.interval,
    failures: { dns: DNS_FAILURES, fetch: FETCH_FAILURES },
  });
  const octets = shareMemory(config.cache.memoryMegabytes);
  const zones = [config.defaultZone, ...config.zones.values()];
  const settings = {
    ...config,
    discoveries: config.limits.discoveries,
    memory: {
      entries: config.cache.memoryEntries,
      policyOctets: octets.policies,
      viewOctets: octets.views,
    },
    dane: zones.some(({ dane }) => dane !== "off"),
    daneRequired: zones.some(({ dane }) => dane === "require"),
  };
  const resolver = createResolver(settings, {
    ...network,
    store,
    clock,
    observe(event): void {
      context.events?.note(event);
      observe(event);
    },
    dnssec: dnssec.validates,
    random: Math.random,
    createMap: (entries, options) => new GenerationalMap(entries, options),
  });
  const readyReplies = new GenerationalMap<ReadyReply, number>(config.cache.memoryEntries, {
    octets: octets.replies,
    octetsOf: readyReplyOctets,
  });
  const respond = createResponder({
    ...context,
    resolve: resolver.resolve,
    zoneFor: (mapName) => zoneFor(config, mapName),
    readyReplies,
  });
  const stopRefresher = startRefresher({ ...config.refresh, ...context, check: resolver.check });
  const stopMaintenance = startStoreMaintenance(context);

  function stopWork(): void {
    stopRefresher();
    stopMaintenance();
    dnssec.stop();
  }

  return {
    respond,
    resolver,
    network,
    dnssec,
    memory: () => ({ ...resolver.memory(), replies: readyReplies.octets }),
    stop(): void {
      stopWork();
      resolver.close();
      network.close();
    },
    retire(): void {
      stopWork();
      // Until then it stores what its checks find, and the news of that reaches its successor.
      clock.setTimer(() => {
        resolver.close();
        network.close();
      }, RETIRE_MS);
    },
  };
}
