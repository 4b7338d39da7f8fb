/**
 * The life of the daemon: its parts start from the outside in, run until a signal, and stop in the
 * opposite order. Each part has a file of its own; this one only connects them.
 *
 * @module
 */

import { createAdjustableLog, type Log } from "../base/log.ts";
import { VERSION } from "../base/version.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { warmUpTls } from "../https/policy_client.ts";
import type { Handler } from "../postfix/connection.ts";
import { createServer } from "../postfix/server.ts";
import { logNotes } from "./config_notes.ts";
import { createContext } from "./context.ts";
import type { DaemonContext } from "./context.ts";
import { createControlChannel } from "./control.ts";
import { startEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { createHttpSurface } from "./http_surface.ts";
import { createListeners } from "./listeners.ts";
import { createReload } from "./reload.ts";
import { noteIn, openOutlet } from "./report_outlet.ts";
import { createNotifier } from "./sd_notify.ts";
import { onReload, waitForStop } from "./signals.ts";
import { startSupervision } from "./supervision.ts";
import type { SystemdEnvironment } from "./systemd_environment.ts";

/** What {@link runDaemon} works with. */
export interface DaemonOptions {
  /** Reads the configuration, at the start and at each reload. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  readonly systemd: SystemdEnvironment;
  /** Whether standard error goes to the journal of systemd. */
  readonly journal: boolean;
}

/**
 * Runs the daemon until a signal stops it.
 *
 * @throws {UsageError} If the configuration has mistakes, or names something that cannot be used.
 * @throws {Error} If a socket cannot be opened; with one line for the operator.
 */
export async function runDaemon({ read, systemd, journal }: DaemonOptions): Promise<void> {
  const { config, notes } = read();
  const log = createAdjustableLog({ ...config.log, journal });
  logNotes(notes, log);
  const kept = createContext(config, log);
  let running = config;
  const http = createHttpSurface({
    context: kept,
    engine: () => engine,
    sockets: () => server.sockets(),
    exceptions: () => kept.exceptions.list(),
    forgetAfter: () => running.refresh.forgetAfter,
  });
  const outlet = openOutlet(config, kept);
  const context: DaemonContext = { ...kept, events: noteIn(http, outlet) };
  let engine = await startEngine(config, { ...context, counts: http.countsFor(config) });
  kept.exceptions.use(engine.exceptions);

  const handler: Handler = (payload, now) => engine.respond(payload, now);
  const server = createServer({ ...context, handler, limits: config.limits });
  // From the first query on, a stop loses none.
  const stopSignal = waitForStop();
  const listeners = createListeners(server, log);
  await listeners.adopt(systemd.sockets);
  await listeners.open(config.listen);
  await warmUpTls();
  const control = createControlChannel(config, { context, resolver: () => engine.resolver });
  await control.open(config);
  await http.open(config);
  logStart(config, { engine, log });

  const supervision = startSupervision({
    ...context,
    watchdog: systemd.watchdog,
    notifier: createNotifier(systemd.notifySocket, log),
    addresses: () => listeners.addresses(),
    full: () => server.connections() >= running.limits.connections,
  });
  const stopReloads = onReload(createReload({
    read,
    context,
    supervision,
    started: config,
    engine: () => engine,
    countsFor: http.countsFor,
    addresses: [({ listen }) => listeners.open(listen), control.open, http.open],
    takeOver(next, config): void {
      engine.retire();
      engine = next;
      kept.exceptions.use(next.exceptions);
      running = config;
      server.limit(config.limits);
      control.limit(config.limits);
    },
  }));

  log.info("stopping", { signal: await stopSignal });
  stopReloads();
  supervision.stop();
  await Promise.all([server, control].map((each) => each.drain(running.shutdownTimeout)));
  http.close();
  engine.stop();
  kept.exceptions.stop();
  outlet?.close();
  context.store.close();
  log.info("stopped");
}

function logStart(config: Config, { engine, log }: { engine: Engine; log: Log }): void {
  log.info("started", {
    version: VERSION,
    config: config.file ?? "embedded defaults",
    cache: config.cache.file ?? "memory",
    resolver: engine.network.dns.servers().join(" "),
    ca: engine.network.roots.file ?? engine.network.roots.source,
  });
}
