/**
 * `cache purge DOMAIN` and `cache purge --all`: forgets what is cached.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import { jsonOf, listParts, printEntry, readCacheDomain } from "./cache_requests.ts";
import { type CacheSource, withSource } from "./cache_source.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
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
