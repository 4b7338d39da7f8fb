/**
 * `config check`: checks the configuration and what it refers to.
 *
 * @module
 */

import { describeResolver } from "../status/health.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { withNetwork } from "./network.ts";
import { readConfig } from "./read_config.ts";

export const configCheckCommand: Command = {
  name: "config check",
  operands: "",
  arity: [0, 0],
  summary: "Check the configuration",
  description: [
    "Reads the configuration and reports every mistake in it. Then tries the trust roots and each DNS",
    "resolver: does it answer over UDP and TCP, support EDNS, and validate DNSSEC?",
  ],
  options: [CONFIG_OPTION],
  exits: [[0, "no mistakes"], [2, "wrong arguments or configuration"]],
  run: run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const { config, notes } = readConfig(args.value("config"), io);
  io.out(`configuration: ${config.file ?? "embedded defaults"}\n`);
  for (const { path, text } of notes) io.out(`note: ${path}: ${text}\n`);
  return await withNetwork(config, async ({ network }) => {
    const { source, file } = network.roots;
    io.out(`trust roots: ${file ?? `${source} (built in)`}\n`);
    const [probe] = await Promise.all([network.dns.probe(), network.dns.inspect()]);
    for (const resolver of network.dns.resolvers()) {
      io.out(`resolver: ${describeResolver(resolver)}\n`);
    }
    const words = {
      "validates": "yes",
      "does-not-validate": "no: DANE is not checked; run a validating resolver on this host",
      "unknown": "unknown: the test query failed",
    };
    io.out(`resolver validates DNSSEC: ${words[probe.kind]}\n`);
    io.out("no mistakes found\n");
    return 0;
  });
}
