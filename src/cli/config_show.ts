/**
 * `config show`: prints the effective configuration, or the tables of a fleet.
 *
 * @module
 */

import { formatConfig, withoutPasswords } from "../config/show.ts";
import { sqlOfSchema } from "../fleet/postgres_schema.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Prints the configuration. @returns The exit status. */
export function run(args: CommandArgs, io: Io): Promise<number> {
  const { config } = readConfig(args.value("config"), io);
  io.out(
    args.flag("sql")
      ? sqlOfSchema(config.cache.shared.prefix)
      : formatConfig(withoutPasswords(config)),
  );
  return Promise.resolve(0);
}
