/**
 * The life of the daemon: its parts start from the outside in, run until a signal, and stop in the
 * opposite order. Each part has a file of its own; this one only connects them.
 *
 * @module
 */

import { type AdjustableLog, createAdjustableLog, type Log } from "../base/log.ts";
import { VERSION } from "../base/version.ts";
import type { Outlet } from "../collect/outlet.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { warmUpTls } from "../https/policy_client.ts";
import type { Handler } from "../postfix/connection.ts";
import { createServer } from "../postfix/server.ts";
import type { SocketmapServer } from "../postfix/server.ts";
import type { ExceptionWatch } from "../status/exception_watch.ts";
import { logNotes } from "./config_notes.ts";
import { createContext } from "./context.ts";
import type { DaemonContext } from "./context.ts";
import { createControlChannel } from "./control.ts";
import type { ControlChannel } from "./control.ts";
import { startEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { createFleetOpener } from "./fleet.ts";
import { createHttpSurface } from "./http_surface.ts";
import type { HttpSurface } from "./http_surface.ts";
import { createListeners } from "./listeners.ts";
import type { Listeners } from "./listeners.ts";
import { createReload } from "./reload.ts";
import type { ReloadOptions } from "./reload.ts";
import { noteIn, openOutlet } from "./report_outlet.ts";
import { createNotifier } from "./sd_notify.ts";
import { onReload, waitForStop } from "./signals.ts";
import { startSupervision } from "./supervision.ts";
import type { Supervision } from "./supervision.ts";
import type { SystemdEnvironment } from "./systemd_environment.ts";

/** What {@link runDaemon} works with. */
export interface DaemonOptions {
  /** Reads the configuration, at the start and at each reload. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  readonly systemd: SystemdEnvironment;
  /** Whether standard error goes to the journal of systemd. */
  readonly journal: boolean;
}

/** The parts that a reload does not make anew, and what it replaces. */
interface Parts {
  readonly context: DaemonContext;
  readonly http: HttpSurface;
  readonly outlet: Outlet | undefined;
  readonly server: SocketmapServer;
  readonly control: ControlChannel;
  readonly listeners: Listeners;
  readonly exceptions: ExceptionWatch;
  /** The engine and the configuration that answer now. */
  readonly running: { engine: Engine; config: Config };
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
  const parts = await createParts(config, log);
  // From the first query on, a stop loses none.
  const stopSignal = waitForStop();
  await parts.listeners.adopt(systemd.sockets);
  await parts.listeners.open(config.listen);
  await warmUpTls();
  await parts.control.open(config);
  await parts.http.open(config);
  // Before anybody learns that the daemon has started: a HUP that is not heard ends the process.
  const stopReloads = onReload(createReload(reloadOptions(parts, {
    read,
    supervision: () => supervision,
  })));
  logStart(config, { engine: parts.running.engine, log });
  const supervision = supervise(parts, systemd);

  log.info("stopping", { signal: await stopSignal });
  stopReloads();
  supervision.stop();
  await stopParts(parts);
  log.info("stopped");
}

/** Puts the parts together and starts the engine; no address is open yet. */
async function createParts(config: Config, log: AdjustableLog): Promise<Parts> {
  const kept = createContext(config, log);
  const { exceptions } = kept;
  const http = createHttpSurface({
    context: kept,
    engine: () => running.engine,
    sockets: () => server.sockets(),
    exceptions: () => exceptions.list(),
    forgetAfter: () => running.config.refresh.forgetAfter,
  });
  const outlet = openOutlet(config, kept);
  const context: DaemonContext = {
    ...kept,
    events: noteIn(http, outlet),
    openFleet: createFleetOpener(kept),
  };
  const engine = await startEngine(config, { ...context, counts: http.countsFor(config) });
  exceptions.use(engine.exceptions);
  const running = { engine, config };
  const handler: Handler = (payload, now) => running.engine.respond(payload, now);
  const server = createServer({ ...context, handler, limits: config.limits });
  const control = createControlChannel(config, {
    context,
    resolver: () => running.engine.resolver,
    fleet: () => running.engine.fleet,
  });
  const listeners = createListeners(server, log);
  return { context, http, outlet, server, control, listeners, exceptions, running };
}

function supervise(
  { context, listeners, server, running }: Parts,
  { watchdog, notifySocket }: SystemdEnvironment,
): Supervision {
  return startSupervision({
    ...context,
    watchdog,
    notifier: createNotifier(notifySocket, context.log),
    addresses: () => listeners.addresses(),
    full: () => server.connections() >= running.config.limits.connections,
  });
}

function reloadOptions(
  { context, http, server, control, listeners, exceptions, running }: Parts,
  { read, supervision }: Pick<DaemonOptions, "read"> & { supervision: () => Supervision },
): ReloadOptions {
  return {
    read,
    context,
    supervision: {
      reloading: () => supervision().reloading(),
      ready: () => supervision().ready(),
    },
    started: running.config,
    engine: () => running.engine,
    countsFor: http.countsFor,
    addresses: [({ listen }) => listeners.open(listen), control.open, http.open],
    takeOver(engine, config): void {
      running.engine.retire();
      running.engine = engine;
      running.config = config;
      exceptions.use(engine.exceptions);
      server.limit(config.limits);
      control.limit(config.limits);
    },
  };
}

/** Stops the parts, in the opposite order of their start. */
async function stopParts(parts: Parts): Promise<void> {
  const { context, http, outlet, server, control, exceptions, running } = parts;
  const { shutdownTimeout } = running.config;
  await Promise.all([server, control].map((each) => each.drain(shutdownTimeout)));
  http.close();
  await running.engine.stop();
  exceptions.stop();
  outlet?.close();
  context.store.close();
}

function logStart(config: Config, { engine, log }: { engine: Engine; log: Log }): void {
  log.info("started", {
    version: VERSION,
    config: config.file ?? "embedded defaults",
    cache: config.cache.file ?? "memory",
    shared: engine.fleet?.status().label,
    resolver: engine.network.dns.servers().join(" "),
    ca: engine.network.roots.file ?? engine.network.roots.source,
  });
}
