/**
 * `serve`: the daemon. This file is the composition root: it puts the parts together from the
 * outside in, and takes them apart in the opposite order.
 *
 * @module
 */

import { checkDirectory } from "../sqlite/file_path.ts";
import { createMemoryStore } from "../cache/memory_store.ts";
import { createSqliteStore } from "../cache/sqlite_store.ts";
import type { PolicyStore } from "../cache/types.ts";
import { formatEndpoint } from "../base/address.ts";
import { DEFAULT_LISTEN } from "../config/defaults.ts";
import type { LoadedConfig } from "../config/load.ts";
import { applyOverrides } from "../config/overrides.ts";
import { readSystemdEnvironment, type SystemdEnvironment } from "../daemon/systemd_environment.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { warmUpTls } from "../https/policy_client.ts";
import { logClock } from "../daemon/clock_log.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { createNotifier } from "../daemon/sd_notify.ts";
import type { Log } from "../base/telemetry.ts";
import { createWarnings } from "../base/warnings.ts";
import { createServer } from "../postfix/server.ts";
import { createClock } from "../base/clock.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { createControl } from "../daemon/control.ts";
import { startEngine } from "../daemon/engine.ts";
import type { DaemonContext } from "../daemon/engine.ts";
import { createListeners } from "../daemon/listeners.ts";
import { shareMemory } from "../daemon/memory_shares.ts";
import { openMonitor, recordEvents } from "../daemon/monitor.ts";
import { readConfig } from "./read_config.ts";
import { createReload } from "../daemon/reload.ts";
import { onReload, waitForStop } from "../daemon/signals.ts";
import { startSupervision } from "../daemon/supervision.ts";
import { VERSION } from "../base/version.ts";

/** Connections to the control socket at once: one operator and a script or two. */
const CONTROL_CONNECTIONS = 8;

export const serveCommand: Command = {
  name: "serve",
  operands: "",
  arity: [0, 0],
  summary: "Run the daemon that Postfix asks (the default)",
  description: [
    "Answers Postfix's smtp_tls_policy_maps over the socketmap protocol. Without a configuration",
    "file it listens on 127.0.0.1:8461 and keeps its cache in the state directory.",
    "TERM and INT stop it when open requests are answered; a second signal stops it at once.",
    "HUP reads the configuration again and refuses it whole if there is a mistake in it.",
    "Sockets passed by systemd are served instead of those that the configuration names.",
  ],
  options: [
    CONFIG_OPTION,
    {
      name: "listen",
      short: "l",
      value: "ADDRESS",
      many: true,
      text: "Listen here instead: inet:127.0.0.1:8461 or unix:/path",
    },
    { name: "cache", value: "FILE", text: "Cache file instead, or 'memory' for none" },
    { name: "log-level", value: "LEVEL", text: "debug, info, warn or error" },
    { name: "log-format", value: "FORMAT", text: "text or json" },
  ],
  exits: [
    [0, "stopped by a signal"],
    [2, "wrong arguments or configuration"],
    [3, "cannot listen"],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const systemd = readSystemdEnvironment(io.env, Deno.pid);
  const read = () => readServeConfig(args, io, systemd);
  const loaded = read();
  const { config } = loaded;
  const log = createLog({ ...config.log, journal: io.env("JOURNAL_STREAM") !== undefined });
  tellNotes(loaded, log);
  const clock = createClock({ onChange: logClock(log) });
  const metrics = createMetrics();
  const warnings = createWarnings({ log, clock });
  const store = openStore(config, { log, metrics, clock });
  const events = config.http.length === 0 ? undefined : recordEvents(clock);
  const context: DaemonContext = { clock, log, metrics, warnings, store, events };
  let engine = await startEngine(config, context);

  const server = createServer({
    ...context,
    handler: (payload, now) => engine.respond(payload, now),
    limits: config.limits,
  });
  // From the first query on, a stop is one that loses none.
  const stopSignal = waitForStop();
  const listeners = createListeners(server, log);
  await listeners.adopt(systemd.sockets);
  await listeners.open(config.listen);
  await warmUpTls();
  const control = createServer({
    ...context,
    // Whoever asks here is the operator, not Postfix: counted apart, that is, not at all.
    metrics: createMetrics(),
    handler: createControl({ store, resolver: () => engine.resolver }),
    limits: { ...config.limits, connections: CONTROL_CONNECTIONS },
  });
  if (config.control !== undefined) await control.listen(config.control);
  const closeMonitor = events && await openMonitor({
    config,
    context,
    events,
    engine: () => engine,
    sockets: () => server.sockets(),
  });
  log.info("started", {
    version: VERSION,
    config: config.file ?? "embedded defaults",
    cache: config.cache.file ?? "memory",
    resolver: engine.network.dns.servers().join(" "),
    ca: engine.network.roots.file ?? engine.network.roots.source,
  });
  const supervision = startSupervision({
    ...context,
    watchdog: systemd.watchdog,
    notifier: createNotifier(systemd.notifySocket, log),
    addresses: () => listeners.addresses(),
    full: () => server.connections() >= config.limits.connections,
  });

  const stopReloads = onReload(createReload({
    read,
    context,
    listeners,
    supervision,
    running: config,
    takeOver(next): void {
      engine.retire();
      engine = next;
    },
  }));
  log.info("stopping", { signal: await stopSignal });
  stopReloads();
  supervision.stop();
  await Promise.all([server, control].map((each) => each.drain(config.shutdownTimeout)));
  closeMonitor?.();
  engine.stop();
  store.close();
  log.info("stopped");
  return 0;
}

/**
 * The configuration as it counts here: sockets from systemd stand for the default of `listen`; what else it names, or
 * `--listen`, is opened beside them.
 */
function readServeConfig(args: CommandArgs, io: Io, { sockets }: SystemdEnvironment): LoadedConfig {
  const { config, notes } = readConfig(args.value("config"), io);
  const overrides = {
    listen: args.values("listen"),
    cache: args.value("cache"),
    logLevel: args.value("log-level"),
    logFormat: args.value("log-format"),
  };
  const effective = applyOverrides(config, overrides);
  const activated = sockets.length > 0 && overrides.listen.length === 0;
  if (!activated) return { config: effective, notes };
  const listen = effective.listen.filter((each) => formatEndpoint(each) !== DEFAULT_LISTEN);
  return { config: { ...effective, listen }, notes };
}

function tellNotes({ notes }: LoadedConfig, log: Log): void {
  for (const { path, text } of notes) log.warn("configuration note", { key: path, note: text });
}

function openStore(config: Config, parts: Omit<DaemonContext, "store" | "warnings">): PolicyStore {
  const { file, memoryEntries, memoryMegabytes, allowUnsafeDirectory } = config.cache;
  if (file === undefined) {
    const { policies: policyOctets, views: mxOctets } = shareMemory(memoryMegabytes);
    return createMemoryStore({ maxEntries: memoryEntries, policyOctets, mxOctets });
  }
  const danger = allowUnsafeDirectory ? undefined : checkDirectory(file);
  if (danger !== undefined) {
    throw new UsageError(danger, { hint: "or set 'cache.allow_unsafe_directory: true'" });
  }
  const { now, proven, seen } = parts.clock;
  return createSqliteStore({
    ...parts,
    path: file,
    now,
    proven,
    onLastSeen: seen,
    allowUnsafeDirectory,
  });
}
