/**
 * `query KEY…`: queries a running daemon as Postfix does.
 *
 * @module
 */

import { querySocketmap } from "../postfix/client.ts";
import { CONFIG_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { daemonAddress } from "./read_config.ts";

/** Postfix waits 100 seconds, but a person at a terminal does not, ms. */
const TIMEOUT_MS = 30_000;

/** Exit status for a reply NOTFOUND. */
const EXIT_NOT_FOUND = 1;
const EXIT_FAILURE = 3;

export const queryCommand: Command = {
  name: "query",
  operands: "KEY…",
  arity: [1, Infinity],
  summary: "Query the running daemon as Postfix does",
  description: [
    "Sends each key to the running daemon as Postfix does, and prints the reply.",
    "The default address is the first one that the daemon listens on.",
  ],
  options: [
    CONFIG_OPTION,
    {
      name: "socket",
      short: "s",
      value: "ADDRESS",
      text: "Query this address, such as inet:127.0.0.1:8461 or unix:/path",
    },
    {
      name: "map",
      short: "m",
      value: "NAME",
      text: "Socketmap name, which selects the zone (default postfix)",
    },
  ],
  exits: [
    [0, "every reply is OK"],
    [1, "a reply is NOTFOUND"],
    [2, "wrong arguments or configuration"],
    [3, "a reply is TEMP or PERM, or the daemon does not answer"],
  ],
  examples: [[
    "mta-sts-resolver query example.com",
    "Print the reply that Postfix gets for mail to example.com",
  ]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const mapName = args.value("map") ?? "postfix";
  const replies = await querySocketmap(daemonAddress(args, io), mapName, args.operands, {
    timeout: TIMEOUT_MS,
  });
  for (const reply of replies) io.out(`${reply}\n`);
  if (replies.every((reply) => reply.startsWith("OK "))) return 0;
  const answered = (reply: string) => reply.startsWith("OK ") || reply.startsWith("NOTFOUND");
  return replies.every(answered) ? EXIT_NOT_FOUND : EXIT_FAILURE;
}
