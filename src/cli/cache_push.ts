/**
 * `cache push`: all policies of this host to the engine of the fleet.
 *
 * @module
 */

import { copyPolicies } from "./cache_copy.ts";
import type { CommandArgs, Io } from "./command.ts";

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  return await copyPolicies("push", { args, io });
}
