/**
 * `report serve`: the daemon that collects for TLS reports. Reads the configuration, and calls
 * `runReportDaemon()`.
 *
 * @module
 */

import { defaultReportFile } from "../config/defaults.ts";
import { runReportDaemon } from "../daemon/report_daemon.ts";
import { readSystemdEnvironment } from "../daemon/systemd_environment.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  await runReportDaemon({
    read: () => readConfig(args.value("config"), io),
    defaultFile: defaultReportFile(io.env),
    systemd: readSystemdEnvironment(io.env, Deno.pid),
    journal: io.env("JOURNAL_STREAM") !== undefined,
  });
  return 0;
}
