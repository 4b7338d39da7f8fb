/**
 * Joins the fleet of a configuration: opens the engine and puts an exchange over it. Without `cache.shared`, nothing of
 * it is loaded.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { VERSION } from "../base/version.ts";
import type { PolicyLists } from "../cache/types.ts";
import { isShared, readAddress } from "../config/shared.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import type { Outbox } from "../fleet/outbox.ts";
import type { Fleet } from "../fleet/status.ts";
import type { Engine } from "../fleet/types.ts";
import type { TrustRoots } from "../https/trust_roots.ts";
import type { EngineContext } from "./context.ts";
import { openEngine } from "./fleet_engine.ts";
import { readFleetFiles } from "./fleet_files.ts";

/** Gauges that would go on to show the exchange of a configuration before. */
const GAUGES: Readonly<Record<string, string>> = {
  mta_sts_shared_up: "1 if the shared cache's engine answers, else 0.",
  mta_sts_shared_outbox_entries: "Entries that wait to be sent to the shared cache.",
  mta_sts_shared_hosts: "Other hosts of the fleet seen in the last 30 seconds.",
  mta_sts_shared_clock_offset_seconds:
    "How far the clock of the shared cache's engine is ahead of this host's.",
};

/** What {@link openFleet} works with. */
export interface FleetContext
  extends Pick<EngineContext, "clock" | "log" | "metrics" | "warnings"> {
  /** The policies of this host. */
  readonly store: Pick<PolicyLists, "listPolicies">;
  /** The trust roots for policy hosts; those for the engine too, unless it has its own. */
  readonly roots: Pick<TrustRoots, "caCerts">;
  /** What the exchange of a configuration before could not send. */
  readonly outbox?: Outbox | undefined;
  /** What the exchange is known by. @default another one each time */
  readonly nonce?: string;
}

/** What {@link openSharedEngine} works with. */
export interface SharedEngineContext extends Pick<FleetContext, "roots"> {
  readonly clock: Clock;
}

/**
 * Makes the driver for the engine that a configuration names. It connects with the first call.
 *
 * @throws {UsageError} If a file cannot be read or used.
 */
export async function openSharedEngine(
  { cache: { shared } }: Pick<Config, "cache">,
  { clock, roots }: SharedEngineContext,
): Promise<Engine> {
  const reading = readAddress(shared, readFleetFiles(shared));
  if (reading.kind === "invalid") throw new UsageError(`cache.shared: ${reading.problem}`);
  return await openEngine(reading.address, {
    clock,
    prefix: shared.prefix,
    caCerts: roots.caCerts,
    // Nobody has signed them, and a fleet that signs believes nothing else.
    readsRival: shared.oldEntries && shared.secretFile === undefined,
  });
}

/**
 * Joins the fleet.
 *
 * @returns `undefined` if the configuration names no engine. What is there connects by itself; nothing waits for it.
 * @throws {UsageError} If a file cannot be read or used; nothing is left open then.
 */
export async function openFleet(
  config: Config,
  context: FleetContext,
): Promise<Fleet | undefined> {
  const { shared } = config.cache;
  const { clock, log, metrics, warnings, store, roots, outbox } = context;
  const { nonce = crypto.randomUUID() } = context;
  if (!isShared(shared)) return undefined;
  const { createMac, digestSettings } = await import("../fleet/mac.ts");
  const { secrets } = readFleetFiles(shared);
  const mac = secrets && await createMac(secrets, shared.prefix);
  const settings = await digestSettings(settingsThatMatter(config, roots));
  const engine = await openSharedEngine(config, context);
  const { createExchange } = await import("../fleet/exchange.ts");
  return createExchange({
    engine,
    mac,
    settings,
    host: nameOfHost(shared.hostName ?? Deno.hostname()),
    version: VERSION,
    nonce,
    timeout: shared.timeout,
    wait: shared.wait,
    listOwn: (query) => store.listPolicies(query),
    random: Math.random,
    ...(outbox && { outbox }),
    ...{ clock, log, metrics, warnings },
  });
}

/**
 * What decides which policies a host fetches and believes. Hosts that differ in it must not take each other's: the
 * fleet would be as lax as the laxest of them.
 */
function settingsThatMatter({ https }: Config, { caCerts }: FleetContext["roots"]): unknown[] {
  const { ca, allowPrivate, proxy } = https;
  return [
    typeof ca === "string" ? ca : caCerts.toSorted(),
    allowPrivate.toSorted(),
    // Behind a proxy, the addresses of policy hosts are not judged here.
    proxy !== undefined,
  ];
}

/** The name of a host as entries need it: printable ASCII without spaces. */
export function nameOfHost(name: string): string {
  return name.slice(0, 255).replaceAll(/[^!-~]/g, "-") || "localhost";
}

/**
 * {@link openFleet} for one configuration after the other: what could not be sent before a reload is sent after it, the
 * two exchanges do not take each other for hosts, and gauges end with a reload that ends the sharing.
 */
export function createFleetOpener(
  context: Omit<FleetContext, "roots" | "outbox" | "nonce">,
): (config: Config, parts: Pick<FleetContext, "roots">) => Promise<Fleet | undefined> {
  const process = crypto.randomUUID().replaceAll("-", "");
  let opened = 0;
  let hasGauges = false;
  let outbox: Outbox | undefined;
  return async (config, { roots }) => {
    if (isShared(config.cache.shared)) outbox ??= new (await import("../fleet/outbox.ts")).Outbox();
    else outbox = undefined;
    const nonce = `${process}_${opened++ % 1_000_000}`;
    const fleet = await openFleet(config, { ...context, roots, outbox, nonce });
    if (fleet === undefined && hasGauges) endGauges(context.metrics);
    hasGauges = fleet !== undefined;
    return fleet;
  };
}

function endGauges(metrics: Metrics): void {
  for (const [name, help] of Object.entries(GAUGES)) metrics.gaugeFn(name, help, () => NaN);
}
