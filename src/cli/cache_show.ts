/**
 * `cache show DOMAIN`: what is cached for a domain.
 *
 * @module
 */

import { CACHE_EXITS, JSON_OPTION, printEntry, readCacheDomain } from "./cache_requests.ts";
import { OFFLINE_OPTION, withSource } from "./cache_source.ts";
import { type Command, type CommandArgs, CONFIG_OPTION, type Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const cacheShowCommand: Command = {
  name: "cache show",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Show what is cached for a domain",
  description: [
    "Prints the policy of a domain, its times, the last problem, and the state of DANE. Asks the",
    "running daemon; without one, reads its cache file.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: CACHE_EXITS,
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readCacheDomain(args.operands[0] ?? "");
  const { config } = readConfig(args.value("config"), io);
  return await withSource(
    { config, args, io, access: "read" },
    (source) => printEntry(source, { command: "show", domain, args, io }),
  );
}
