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
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

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
