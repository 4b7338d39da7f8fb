/**
 * `cache refresh DOMAIN`: fetches a policy now.
 *
 * @module
 */

import { CACHE_EXITS, JSON_OPTION, printEntry, readCacheDomain } from "./cache_requests.ts";
import { OFFLINE_OPTION, withSource } from "./cache_source.ts";
import { type Command, type CommandArgs, CONFIG_OPTION, type Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const cacheRefreshCommand: Command = {
  name: "cache refresh",
  operands: "DOMAIN",
  arity: [1, 1],
  summary: "Fetch the policy of a domain now",
  description: [
    "Has the running daemon fetch the policy, even if its id has not changed or a fetch has just failed.",
    "If the fetch fails, a held policy stays in use. With --offline, this command fetches the policy and",
    "writes it to the file.",
  ],
  options: [CONFIG_OPTION, JSON_OPTION, OFFLINE_OPTION],
  exits: CACHE_EXITS,
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readCacheDomain(args.operands[0] ?? "");
  const { config } = readConfig(args.value("config"), io);
  return await withSource(
    { config, args, io, access: "refresh" },
    (source) => printEntry(source, { command: "refresh", domain, args, io }),
  );
}
