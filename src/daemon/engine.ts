/**
 * Everything that a configuration decides about an answer: DNS and HTTPS, the resolver, and the timers
 * that keep it fresh. On reload a new engine takes over from the old one; the store, the
 * counters and the listening sockets stay.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import { withDeadline } from "../base/wait.ts";
import type { Config } from "../config/types.ts";
import { watchDnssec } from "../dns/dnssec_watch.ts";
import type { DnssecWatch } from "../dns/dnssec_watch.ts";
import { DNS_FAILURES } from "../dns/types.ts";
import type { Fleet } from "../fleet/status.ts";
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
  /** What the hosts share; `undefined` if they do not. */
  readonly fleet: Fleet | undefined;
  /** About how many octets of memory are in use, by what. */
  memory(): MemoryShares;
  /** Adds the uses of ready replies to the tallies of their domains. */
  settleCounts(): void;
  /**
   * Stops the timers and the network. A check under way fails, which changes no held policy.
   *
   * @returns Resolves when the fleet's leases were given back, or after a second.
   */
  stop(): Promise<void>;
  /** Like {@link stop}, but queries and checks under way are completed first. */
  retire(): void;
}

/** By then, queries and checks of a retired engine have normally reached their deadlines, ms. */
const RETIRE_MS = 120_000;

/**
 * By then, queries of a retired engine have their answers, ms: it leaves the fleet, in which its successor is already.
 * A check that goes on fetches as if this host were alone.
 */
const LEAVE_MS = 10_000;

/** How long a stop waits until the engine of the fleet has taken back its leases, ms: they end by themselves too. */
const FLEET_CLOSE_MS = 1000;

const NO_READY_REPLIES = { get: () => undefined, set: () => {} };

/**
 * Puts an engine together and starts it.
 *
 * @throws {UsageError} If the trust roots, or the secret of the fleet, cannot be read; nothing is started then.
 */
export async function startEngine(config: Config, context: EngineContext): Promise<Engine> {
  const network = await openNetwork(config, context);
  try {
    const fleet = await context.openFleet?.(config, network);
    return runEngine(config, { context, network, fleet });
  } catch (error) {
    network.close();
    throw error;
  }
}

/** What an engine is made of. */
interface EngineParts {
  readonly context: EngineContext;
  readonly network: Network;
  readonly fleet: Fleet | undefined;
}

function runEngine(config: Config, { context, network, fleet }: EngineParts): Engine {
  const { clock } = context;
  const dnssec = watchDnssec({ ...context, dns: network.dns });
  const resolver = createEngineResolver(config, { context, network, dnssec, fleet });
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

  const { close, leaveFleet } = createEnding({ clock, resolver, network, fleet });

  return {
    ...{ respond, resolver, network, dnssec, fleet, exceptions: config.domains },
    memory: () => ({ ...resolver.memory(), replies: readyReplies.octets }),
    settleCounts,
    async stop(): Promise<void> {
      stopTimers();
      await close();
    },
    retire(): void {
      stopTimers();
      settleCounts();
      // Until then it stores what its checks find, and its successor learns of that.
      clock.setTimer(() => void leaveFleet(), LEAVE_MS);
      clock.setTimer(() => void close(), RETIRE_MS);
    },
  };
}

/** How an engine ends: in two steps, of which the first may come before the second. */
function createEnding(
  { clock, resolver, network, fleet }: Omit<EngineParts, "context"> & {
    readonly clock: Clock;
    readonly resolver: Resolver;
  },
): { close(): Promise<void>; leaveFleet(): Promise<void> } {
  let leaving: Promise<void> | undefined;

  function leaveFleet(): Promise<void> {
    return leaving ??= fleet?.close() ?? Promise.resolve();
  }

  return {
    leaveFleet,
    async close(): Promise<void> {
      resolver.close();
      network.close();
      await withDeadline(leaveFleet(), { ms: FLEET_CLOSE_MS, clock });
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
  { context, network, dnssec, fleet }: EngineParts & { readonly dnssec: DnssecWatch },
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
    fleet,
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
