/**
 * `cache pull`: all policies of the fleet's engine to this host.
 *
 * @module
 */

import { copyPolicies } from "./cache_copy.ts";
import type { CommandArgs, Io } from "./command.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  return await copyPolicies("pull", { args, io });
}
