/**
 * `report serve`: the daemon that collects for TLS reports. Reads the configuration, and calls
 * `runReportDaemon()`.
 *
 * @module
 */

import { defaultReportFile } from "../config/defaults.ts";
import { runReportDaemon } from "../daemon/report_daemon.ts";
import { readSystemdEnvironment } from "../daemon/systemd_environment.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const reportServeCommand: Command = {
  name: "report serve",
  operands: "",
  arity: [0, 0],
  summary: "Run the daemon that counts for TLS reports (RFC 8460)",
  description: [
    "Collects the outcomes of TLS sessions from Postfix 3.10 and later (smtp_tlsrpt_socket_name), and",
    "from 'serve' the failures that Postfix cannot see. Counts per domain and UTC day. See",
    "docs/tls-reports.md.",
    "TERM and INT stop it. HUP reads the configuration again; sockets stay as they are.",
  ],
  options: [CONFIG_OPTION],
  exits: [
    [0, "stopped by a signal"],
    [2, "wrong arguments or configuration"],
    [3, "a socket cannot be opened"],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  await runReportDaemon({
    read: () => readConfig(args.value("config"), io),
    defaultFile: defaultReportFile(io.env),
    systemd: readSystemdEnvironment(io.env, Deno.pid),
    journal: io.env("JOURNAL_STREAM") !== undefined,
  });
  return 0;
}
