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
import { OFFLINE_OPTION, withSource } from "./cache_source.ts";
import { type Command, type CommandArgs, CONFIG_OPTION, type Io, ZONE_OPTION } from "./command.ts";
import { readConfig } from "./read_config.ts";

export const cacheExportCommand: Command = {
  name: "cache export",
  operands: "",
  arity: [0, 0],
  summary: "Print the whole cache, as JSON or as a Postfix table",
  description: [
    "Prints every cached policy as one JSON object per line, with all that 'cache show --json' prints;",
    "'cache import' reads this. With --format postfix, prints a table for postmap(1): domain and TLS",
    "policy, for smtp_tls_policy_maps. Its entries never expire and miss new MX hosts: use it only for",
    "a short time, while the daemon cannot run.",
  ],
  options: [
    CONFIG_OPTION,
    OFFLINE_OPTION,
    { name: "format", value: "FORMAT", text: "json (the default) or postfix" },
    { ...ZONE_OPTION, text: "With --format postfix: answer as in this zone (default postfix)" },
  ],
  exits: [[0, "done"], [2, "wrong arguments or configuration"], [3, "failed"]],
  examples: [
    ["mta-sts-resolver cache export > cache.jsonl", "Make a copy to import later"],
    [
      "mta-sts-resolver cache export --format postfix > /etc/postfix/sts && postmap /etc/postfix/sts",
      "Make a table for smtp_tls_policy_maps = hash:/etc/postfix/sts",
    ],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
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
