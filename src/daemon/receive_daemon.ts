/**
 * The life of `report receive`: it takes in the TLS reports of others (RFC 8460) from a Maildir and over HTTPS, keeps
 * what is believed, and shows it.
 *
 * It is a process of its own: what strangers mail and post stays out of the process that decides about mail.
 *
 * @module
 */

import { createAdjustableLog, type Log } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { VERSION } from "../base/version.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { createAdmission } from "../receive/admission.ts";
import { createInbox, type Inbox } from "../receive/inbox.ts";
import { createKeyLookup } from "../receive/key_lookup.ts";
import type { ArrivalLoad, ArrivalQuery } from "../receive/types.ts";
import type { Site } from "../status/site.ts";
import { logNotes } from "./config_notes.ts";
import { type Network, openNetwork } from "./network.ts";
import {
  checkReceiving,
  createReceiveContext,
  maintainStore,
  type ReceiveContext,
} from "./receive_context.ts";
import { openWays, type Ways } from "./receive_ways.ts";
import { checkReceiver, type ReceiverHealth } from "./received_health.ts";
import { reloadSettings } from "./reload_settings.ts";
import { serveSites } from "./serve_site.ts";
import { createNotifier } from "./sd_notify.ts";
import { onReload, waitForStop } from "./signals.ts";
import type { SystemdEnvironment } from "./systemd_environment.ts";
import { feedWatchdog } from "./watchdog.ts";

/** What a page can be made of. */
export interface ReceiveSiteParts {
  readonly context: ReceiveContext;
  readonly network: Network;
  readonly health: () => ReceiverHealth;
}

/** What {@link runReceiveDaemon} works with. */
export interface ReceiveDaemonOptions {
  /** Reads the configuration, at the start and at each reload. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  /** The file of received reports if the configuration names none. */
  readonly defaultFile: string | undefined;
  readonly systemd: SystemdEnvironment;
  /** Whether standard error goes to the journal of systemd. */
  readonly journal: boolean;
  /** Makes what `received.http` shows. Called once, if there are such sockets. */
  readonly createSite: (parts: ReceiveSiteParts) => Promise<Site>;
}

/** Keys, and beginnings of keys, that take effect only at a start: sockets, file and network are opened once. */
const FIXED: readonly string[] = [
  ...["received.maildir", "received.listen", "received.certs", "received.file", "received.http"],
  ...["received.keep_days", "socket_mode", "dns.", "tls.", "https.", "allow_private"],
];

/**
 * Runs the daemon until a signal stops it.
 *
 * @throws {UsageError} If the configuration has mistakes, or says nothing to receive.
 * @throws {Error} If a socket cannot be opened; with one line for the operator.
 */
export async function runReceiveDaemon(options: ReceiveDaemonOptions): Promise<void> {
  const read = () => {
    const loaded = options.read();
    checkReceiving(loaded.config);
    return loaded;
  };
  const { config, notes } = read();
  const log = createAdjustableLog({ ...config.log, journal: options.journal });
  logNotes(notes, log);
  const file = fileOf(config, options.defaultFile);
  let current = config;
  const context = createReceiveContext({ config: () => current, log, file });
  const stopSignal = waitForStop();
  const notifier = createNotifier(options.systemd.notifySocket, log);
  // What `check` fetches is no part of the metrics, and how DNS does shows in the reports that wait.
  const network = await openNetwork(config, { ...context, metrics: createMetrics() });
  const ways = await openWays({ context, inbox: openInbox(context, network) });
  const closeHttp = await openHttp({ context, network, ways, createSite: options.createSite });
  const stopMaintenance = maintainStore(context);
  const stopReloads = onReload(() => {
    current = reloadSettings({ read, running: current, log, fixed: FIXED });
    ways.scan();
  });
  const feed = () => notifier.send("WATCHDOG=1");
  const stopFeeding = feedWatchdog(options.systemd.watchdog, { clock: context.clock, feed });
  logStart(config, { log, file });
  notifier.send("READY=1", "STATUS=Receiving");

  log.info("stopping", { signal: await stopSignal });
  stopReloads();
  stopFeeding();
  notifier.send("STOPPING=1");
  notifier.close();
  // Lookups under way fail at once, and their mails stay where they are.
  network.close();
  await ways.close();
  closeHttp();
  stopMaintenance();
  context.store.close();
  log.info("stopped");
}

function fileOf({ received }: Config, defaultFile: string | undefined): string {
  const file = received.file ?? defaultFile;
  if (file !== undefined) return file;
  throw new UsageError("no file for received reports", { hint: "name one in 'received.file'" });
}

function openInbox(context: ReceiveContext, { dns }: Network): Inbox {
  const { config, clock, store } = context;
  const admit = createAdmission({
    rules: () => config().received,
    lookupKey: createKeyLookup(dns),
    arrivals: (query) => readArrivals(store, query),
    now: clock.now,
  });
  return createInbox({ ...context, admit, now: clock.now });
}

/** A file that cannot be read takes no report either, so what it counted does not matter. */
function readArrivals(
  store: ReceiveContext["store"],
  query: ArrivalQuery,
): ArrivalLoad | undefined {
  try {
    return store.arrivals(query);
  } catch {
    return undefined;
  }
}

/** What {@link openHttp} works with. */
interface HttpOptions extends Pick<ReceiveDaemonOptions, "createSite"> {
  readonly context: ReceiveContext;
  readonly network: Network;
  readonly ways: Ways;
}

/** Opens the sockets of pages, metrics and health. @returns What closes them. */
async function openHttp({ context, network, ways, createSite }: HttpOptions): Promise<() => void> {
  const { clock, log, config } = context;
  const { http } = config().received;
  if (http.length === 0) return () => {};
  const health = () => judge(context, ways);
  const site = await createSite({ context, network, health });
  return await serveSites(http, { site, socketMode: config().socketMode, clock, log });
}

function judge({ store, clock }: ReceiveContext, ways: Ways): ReceiverHealth {
  const { error } = store;
  // A file that cannot be read throws, and says so in `error`.
  const isFull = error === undefined && readFullness(store);
  return checkReceiver({ store: { error, isFull }, ...ways.state() }, clock.now());
}

function readFullness(store: ReceiveContext["store"]): boolean {
  try {
    return store.isFull();
  } catch {
    return false;
  }
}

function logStart({ received, file: from }: Config, { log, file }: { log: Log; file: string }) {
  log.info("started", { version: VERSION, config: from ?? "embedded defaults", file });
  if (received.listen.length > 0 && received.unsigned === "refuse") {
    log.warn("all posted reports are refused", {
      reason: "they are never signed, and 'received.unsigned' is 'refuse'",
    });
  }
}
