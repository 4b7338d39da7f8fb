/**
 * `config check` and `config show`.
 *
 * @module
 */

import { formatConfig } from "../config/show.ts";
import { UsageError } from "../config/usage_error.ts";
import { createLog } from "../monitor/log.ts";
import { createMetrics } from "../monitor/metrics.ts";
import { createClock } from "../resolver/clock.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { openNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

export const configCommand: Command = {
  name: "config",
  operands: "check|show",
  arity: [1, 1],
  summary: "Check the configuration, or show what is in effect",
  description: [
    "'config check' reads the configuration, names every mistake in it, and tries what it refers to:",
    "the trust roots, the DNS resolver and whether that validates DNSSEC.",
    "'config show' prints the effective configuration, defaults included, as YAML.",
  ],
  options: [CONFIG_OPTION],
  exits: [[0, "nothing is wrong"], [2, "mistakes in the arguments or the configuration"]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const { config, notes } = readConfig(args.value("config"), io);
  switch (args.operands[0]) {
    case "show":
      io.out(formatConfig(config));
      return 0;
    case "check":
      break;
    default:
      throw new UsageError(`'config' takes 'check' or 'show': given '${args.operands[0]}'`);
  }
  io.out(`configuration: ${config.file ?? "embedded defaults"}\n`);
  for (const { path, text } of notes) io.out(`note: ${path}: ${text}\n`);
  const log = createLog({ level: "error", format: "text" });
  const network = await openNetwork(config, {
    log,
    metrics: createMetrics(),
    clock: createClock(),
  });
  try {
    const { source, file } = network.roots;
    io.out(`trust roots: ${file ?? `${source} (built in)`}\n`);
    io.out(`resolver: ${network.dns.servers().join(" ")}\n`);
    const probe = await network.dns.probe();
    const words = {
      "validates": "yes",
      "does-not-validate": "no: DANE is not checked, a validating resolver on this host is advised",
      "unknown": "could not be found out",
    };
    io.out(`resolver validates DNSSEC: ${words[probe.kind]}\n`);
    io.out("no mistakes found\n");
    return 0;
  } finally {
    network.close();
  }
}
