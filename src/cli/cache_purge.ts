/**
 * `cache purge DOMAIN` and `cache purge --all`: forgets what is cached.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import {
  CACHE_EXITS,
  JSON_OPTION,
  jsonOf,
  listParts,
  printEntry,
  readCacheDomain,
} from "./cache_requests.ts";
import { type CacheSource, OFFLINE_OPTION, withSource } from "./cache_source.ts";
import { type Command, type CommandArgs, CONFIG_OPTION, type Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const cachePurgeCommand: Command = {
  name: "cache purge",
  operands: "[DOMAIN]",
  arity: [0, 1],
  summary: "Forget a domain, or all of them",
  description: [
    "Removes everything the cache holds for a domain. Its mail is unprotected until the policy is",
    "fetched again. With --all and --yes, forgets every domain: make a copy with 'cache export' first.",
  ],
  options: [
    CONFIG_OPTION,
    JSON_OPTION,
    OFFLINE_OPTION,
    { name: "all", text: "Forget every domain; needs --yes" },
    { name: "yes", text: "Confirm --all" },
  ],
  exits: CACHE_EXITS,
  examples: [["mta-sts-resolver cache purge --all --yes", "Forget everything"]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const [operand] = args.operands;
  const all = args.flag("all");
  if (all === (operand !== undefined)) {
    throw new UsageError("'cache purge' takes a domain, or --all instead");
  }
  if (all && !args.flag("yes")) {
    throw new UsageError(
      "'cache purge --all' leaves mail unprotected until each policy is fetched again: add --yes",
    );
  }
  const domain = operand === undefined ? undefined : readCacheDomain(operand);
  const { config } = readConfig(args.value("config"), io);
  return await withSource({ config, args, io, access: "write" }, async (source) => {
    const exit = domain === undefined
      ? await purgeAll(source, { args, io })
      : await printEntry(source, { command: "purge", domain, args, io });
    if (source.isFile) {
      io.err("note: a daemon that uses this file still holds in memory what it has read");
    }
    return exit;
  });
}

/** Also forgets failed fetches of domains without a policy. */
async function purgeAll(
  source: CacheSource,
  { args, io }: { args: CommandArgs; io: Io },
): Promise<number> {
  let purged = 0;
  for (const request of [{}, { problems: true }]) {
    for await (const entries of listParts(source, request)) {
      const replies = await source.ask("purge", entries.map(({ domain }) => domain));
      for (const reply of replies) jsonOf(reply);
      purged += replies.length;
    }
  }
  io.out(args.flag("json") ? `${JSON.stringify({ purged })}\n` : `${purged} domains forgotten\n`);
  return 0;
}
