/**
 * `cache purge DOMAIN` and `cache purge --all`: forgets what is cached.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import type { FleetPurge, PurgedEntry } from "../daemon/cache_entry.ts";
import { askAbout, EXIT_NOT_FOUND, jsonOf, listParts, readCacheDomain } from "./cache_requests.ts";
import { formatEntry } from "./cache_text.ts";
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
      : await purgeOne(source, { domain, args, io });
    if (source.isFile) {
      io.err("note: a daemon that uses this file still holds in memory what it has read");
    }
    return exit;
  });
}

async function purgeOne(
  source: CacheSource,
  { domain, args, io }: {
    readonly domain: string;
    readonly args: CommandArgs;
    readonly io: Io;
  },
): Promise<number> {
  const found = await askAbout(source, { command: "purge", domain });
  const entry: PurgedEntry = found?.entry ?? { domain };
  const isHeld = "id" in entry;
  if (isHeld) io.out(args.flag("json") ? `${found!.json}\n` : formatEntry(entry));
  else io.err(`${domain} is not in the cache`);
  if (entry.fleet !== undefined) io.err(describePurge(entry.fleet));
  return isHeld ? 0 : EXIT_NOT_FOUND;
}

/** What became of a purge in the fleet, one line. */
function describePurge({ engine, signed, heard }: FleetPurge): string {
  if (!signed) {
    return "only this host forgets it, because entries are not signed; for an hour it takes no " +
      "older policy of the domain from the fleet";
  }
  if (heard === undefined) {
    return `${engine} has not taken it yet: the daemon tries again, and the other hosts forget it then`;
  }
  return `the fleet forgets it: ${heard} other ${heard === 1 ? "host" : "hosts"} notified`;
}

/** Also forgets failed fetches of domains without a policy. */
async function purgeAll(
  source: CacheSource,
  { args, io }: { args: CommandArgs; io: Io },
): Promise<number> {
  let purged = 0;
  for (const request of [{}, { problems: true }]) {
    for await (const entries of listParts(source, request)) {
      const replies = await source.ask("forget", entries.map(({ domain }) => domain));
      for (const reply of replies) jsonOf(reply);
      purged += replies.length;
    }
  }
  io.out(args.flag("json") ? `${JSON.stringify({ purged })}\n` : `${purged} domains forgotten\n`);
  return 0;
}
