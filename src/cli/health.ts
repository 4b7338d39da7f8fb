/**
 * `health`: whether the daemon answers, for health checks of containers and supervisors.
 *
 * @module
 */

import { querySocketmap } from "../postfix/client.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { daemonAddress } from "./query.ts";

/** A healthy daemon answers this key at once, without a lookup, ms. */
const TIMEOUT_MS = 2000;

/** A parent key: always "not found" (RFC 8461 §3.4). */
const KEY = ".invalid";

const EXIT_UNHEALTHY = 1;

export const healthCommand: Command = {
  name: "health",
  operands: "",
  arity: [0, 0],
  summary: "Ask the running daemon whether it answers",
  description: ["Sends the running daemon a request that needs no lookup."],
  options: [
    CONFIG_OPTION,
    { name: "socket", short: "s", value: "ADDRESS", text: "Ask here instead" },
  ],
  exits: [[0, "it answers"], [1, "it does not"], [2, "wrong arguments or configuration"]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const address = daemonAddress(args, io);
  try {
    await querySocketmap(address, "health", [KEY], { timeout: TIMEOUT_MS });
    io.out("ok\n");
    return 0;
  } catch (error) {
    io.err(`unhealthy: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_UNHEALTHY;
  }
}
