/**
 * `report receive`: the daemon that takes in the TLS reports of others. Reads the configuration, and calls
 * `runReceiveDaemon()`.
 *
 * @module
 */

import { defaultReceivedFile } from "../config/defaults.ts";
import { type ReceiveSiteParts, runReceiveDaemon } from "../daemon/receive_daemon.ts";
import { createReceivedSite } from "../daemon/received_site.ts";
import { readSystemdEnvironment } from "../daemon/systemd_environment.ts";
import type { Site } from "../status/site.ts";
import { checkNow } from "./check_now.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";
import { remedyOf } from "./report_advice.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  await runReceiveDaemon({
    read: () => readConfig(args.value("config"), io),
    defaultFile: defaultReceivedFile(io.env),
    systemd: readSystemdEnvironment(io.env, Deno.pid),
    journal: io.env("JOURNAL_STREAM") !== undefined,
    createSite,
  });
  return 0;
}

function createSite({ context, network, health }: ReceiveSiteParts): Promise<Site> {
  const { config, clock, store } = context;
  return createReceivedSite({
    ...context,
    hostname: Deno.hostname(),
    view: store,
    domains: () => config().received.domains,
    health,
    remedyOf,
    checkNow: (domain) => checkNow(domain, { network, clock, config: config() }),
    pause: () => new Promise((resolve) => void clock.setTimer(resolve, 0)),
  });
}
