/**
 * `cache export`: the whole cache, as JSON that `cache import` reads, or as a table for Postfix.
 *
 * @module
 */

import { zoneFor } from "../config/zones.ts";
import { UsageError } from "../config/usage_error.ts";
import type { HeldEntry } from "../daemon/cache_entry.ts";
import { createPostfixTable } from "../daemon/postfix_table.ts";
import { listParts } from "./cache_requests.ts";
import { withSource } from "./cache_source.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  const format = args.value("format") ?? "json";
  if (format !== "json" && format !== "postfix") {
    throw new UsageError(`'--format' takes json or postfix: given '${format}'`);
  }
  const { config } = readConfig(args.value("config"), io);
  const now = Date.now();
  const table = createPostfixTable({ zone: zoneFor(config, args.value("zone") ?? "postfix"), now });
  return await withSource({ config, args, io, access: "read" }, async (source) => {
    if (format === "postfix") io.out(table.heading);
    for await (const entries of listParts(source, { text: true })) {
      for (const entry of entries as readonly HeldEntry[]) {
        io.out(format === "json" ? `${JSON.stringify(entry)}\n` : table.line(entry));
      }
    }
    return 0;
  });
}
