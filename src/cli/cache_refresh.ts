/**
 * `cache refresh DOMAIN`: fetches a policy now.
 *
 * @module
 */

import { printEntry, readCacheDomain } from "./cache_requests.ts";
import { withSource } from "./cache_source.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readCacheDomain(args.operands[0] ?? "");
  const { config } = readConfig(args.value("config"), io);
  return await withSource(
    { config, args, io, access: "refresh" },
    (source) => printEntry(source, { command: "refresh", domain, args, io }),
  );
}
