/**
 * `config show`: prints the effective configuration.
 *
 * @module
 */

import { formatConfig } from "../config/show.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readConfig } from "./read_config.ts";

/** Prints the configuration. @returns The exit status. */
export function run(args: CommandArgs, io: Io): Promise<number> {
  io.out(formatConfig(readConfig(args.value("config"), io).config));
  return Promise.resolve(0);
}
