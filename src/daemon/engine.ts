/**
 * Everything that a configuration decides about an answer: DNS and HTTPS, the resolver, and the timers
 * that keep it fresh. On reload a new engine takes over from the old one; the store, the
 * counters and the listening sockets stay.
 *
 * @module
 */

import { GenerationalMap } from "../base/generational_map.ts";
import type { Config } from "../config/types.ts";
import { watchDnssec } from "../dns/dnssec_watch.ts";
import type { DnssecWatch } from "../dns/dnssec_watch.ts";
import { DNS_FAILURES } from "../dns/types.ts";
import { FETCH_FAILURES } from "../sts/fetch_failure.ts";
import { createObserver } from "../status/observer.ts";
import type { Handler } from "../postfix/connection.ts";
import { createResponder, readyReplyOctets, settleUses } from "../postfix/responder.ts";
import type { ReadyReply, WorkedOutReply } from "../postfix/responder.ts";
import type { EngineContext } from "./context.ts";
import { type MemoryShares, shareMemory } from "./memory_shares.ts";
import { chooseZones } from "./choose_zones.ts";
import { startStoreMaintenance } from "./store_maintenance.ts";
import { startRefresher } from "../resolver/refresher.ts";
import type { DomainException } from "../resolver/exception.ts";
import { createResolver } from "../resolver/resolver.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { openNetwork } from "./network.ts";
import type { Network } from "./network.ts";

/** A running engine. */
export interface Engine {
  readonly respond: Handler;
  readonly resolver: Resolver;
  readonly network: Network;
  /** The exceptions by which it answers. */
  readonly exceptions: readonly DomainException[];
  readonly dnssec: DnssecWatch;
  /** About how many octets of memory are in use, by what. */
  memory(): MemoryShares;
  /** Adds the uses of ready replies to the tallies of their domains. */
  settleCounts(): void;
  /** Stops the timers and the network. A check under way fails, which changes no held policy. */
  stop(): void;
  /** Like {@link stop}, but queries and checks under way are completed first. */
  retire(): void;
}

/** By then, queries and checks of a retired engine have normally reached their deadlines, ms. */
const RETIRE_MS = 120_000;

const NO_READY_REPLIES = { get: () => undefined, set: () => {} };

/**
 * Puts an engine together and starts it.
 *
 * @throws {UsageError} If the trust roots cannot be read; nothing is started then.
 */
export async function startEngine(config: Config, context: EngineContext): Promise<Engine> {
  const { clock } = context;
  const network = await openNetwork(config, context);
  const dnssec = watchDnssec({ ...context, dns: network.dns });
  const resolver = createEngineResolver(config, { context, network, dnssec });
  const readyReplies = createReadyReplies(config);
  const respond = createResponder({
    ...context,
    resolve: resolver.resolve,
    zoneFor: chooseZones(config, context.warnings),
    // Each answer has a line of its own, so none may be given unasked.
    readyReplies: config.log.answers === "all" ? NO_READY_REPLIES : readyReplies,
    onReply: listenToReplies(config, context),
    tallyOf: context.counts?.tallyOf,
  });
  const stopRefresher = startRefresher({ ...config.refresh, ...context, check: resolver.check });
  const stopMaintenance = startStoreMaintenance(context);

  function stopTimers(): void {
    stopRefresher();
    stopMaintenance();
    dnssec.stop();
  }

  function settleCounts(): void {
    for (const ready of readyReplies.values()) settleUses(ready);
  }

  function close(): void {
    resolver.close();
    network.close();
  }

  return {
    ...{ respond, resolver, network, dnssec, exceptions: config.domains },
    memory: () => ({ ...resolver.memory(), replies: readyReplies.octets }),
    settleCounts,
    stop(): void {
      stopTimers();
      close();
    },
    retire(): void {
      stopTimers();
      settleCounts();
      // Until then it stores what its checks find, and its successor learns of that.
      clock.setTimer(close, RETIRE_MS);
    },
  };
}

function createReadyReplies({ cache }: Config): GenerationalMap<ReadyReply, number> {
  return new GenerationalMap<ReadyReply, number>(cache.memoryEntries, {
    octets: shareMemory(cache.memoryMegabytes).replies,
    octetsOf: readyReplyOctets,
    onDrop: settleUses,
  });
}

/** What hears of each reply that is worked out: the log of answers, and the record of what is deferred. */
function listenToReplies(
  config: Config,
  { answers, deferrals }: EngineContext,
): (reply: WorkedOutReply) => void {
  const log = answers?.follow(config.log.answers);
  return (reply) => {
    log?.(reply);
    const { nextHop, zone, waits } = reply;
    if (nextHop !== undefined) deferrals?.note({ nextHop, zone, temp: waits });
  };
}

function createEngineResolver(
  config: Config,
  { context, network, dnssec }: { context: EngineContext; network: Network; dnssec: DnssecWatch },
): Resolver {
  const { clock, store } = context;
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
  return createResolver(settings, {
    ...network,
    store,
    clock,
    observe(event): void {
      context.events?.note(event);
      context.exceptions?.note(event);
      context.problems?.note(event);
      observe(event);
    },
    dnssec: dnssec.validates,
    random: Math.random,
    createMap: (entries, options) => new GenerationalMap(entries, options),
  });
}
