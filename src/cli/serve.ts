/**
 * `serve`: the daemon. Reads the options and the configuration, and hands over to `runDaemon()`.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import { DEFAULT_LISTEN } from "../config/defaults.ts";
import type { LoadedConfig } from "../config/load.ts";
import { applyOverrides } from "../config/overrides.ts";
import { runDaemon } from "../daemon/daemon.ts";
import { refuseMistakes } from "../daemon/preflight.ts";
import { readSystemdEnvironment, type SystemdEnvironment } from "../daemon/systemd_environment.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const systemd = readSystemdEnvironment(io.env, Deno.pid);
  await runDaemon({
    read: () => readServeConfig(args, io, systemd),
    systemd,
    journal: io.journal ?? false,
  });
  return 0;
}

/**
 * The configuration with the options applied. Sockets from systemd replace the default of `listen`; other
 * addresses in `listen`, or those of `--listen`, are opened beside them.
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
  // Before the sockets of systemd take the place of the default: they have its address.
  refuseMistakes(effective);
  const activated = sockets.length > 0 && overrides.listen.length === 0;
  if (!activated) return { config: effective, notes };
  const listen = effective.listen.filter((each) => formatEndpoint(each) !== DEFAULT_LISTEN);
  return { config: { ...effective, listen }, notes };
}
