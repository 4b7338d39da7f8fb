/**
 * `cache show DOMAIN`: what is cached for a domain.
 *
 * @module
 */

import { askAbout, EXIT_NOT_FOUND, readCacheDomain } from "./cache_requests.ts";
import { type CacheSource, withSource } from "./cache_source.ts";
import { formatEntry, formatRows } from "./cache_text.ts";
import type { CommandArgs, Io } from "./command.ts";
import { askFleet, fleetRows } from "./fleet_part.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const domain = readCacheDomain(args.operands[0] ?? "");
  const { config } = readConfig(args.value("config"), io);
  return await withSource(
    { config, args, io, access: "read" },
    (source) => show(source, { domain, args, io }),
  );
}

async function show(
  source: CacheSource,
  { domain, args, io }: {
    readonly domain: string;
    readonly args: CommandArgs;
    readonly io: Io;
  },
): Promise<number> {
  const found = await askAbout(source, { command: "show", domain });
  const shared = await askFleet(source, domain);
  const isInFleet = shared?.kind === "read" && "policy" in shared.entry;
  if (args.flag("json")) {
    const fleet = shared?.kind === "read" ? { fleet: shared.entry } : {};
    const entry = found?.entry ?? { domain };
    if (found !== undefined || isInFleet) io.out(`${JSON.stringify({ ...entry, ...fleet })}\n`);
  } else if (found !== undefined) io.out(formatEntry(found.entry, fleetRows(shared)));
  else if (isInFleet) io.out(formatRows(domain, fleetRows(shared)));
  if (found !== undefined) return 0;
  io.err(`${domain} is not in the cache`);
  return EXIT_NOT_FOUND;
}
