/**
 * `query KEY…`: queries a running daemon as Postfix does.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import { escapeInvisible } from "../base/quote_text.ts";
import { querySocketmap } from "../postfix/client.ts";
import { columns, CONFIG_OPTION, ZONE_OPTION } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { daemonAddress, SOCKET_OPTION } from "./read_config.ts";

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
    "Sends each key to the running daemon as Postfix does, and prints a line with key and reply.",
    "The default address is the first one that the daemon listens on. Needs no valid configuration:",
    "without one, it queries the default address.",
  ],
  options: [
    CONFIG_OPTION,
    { name: "json", short: "j", text: "Print one JSON object per key; docs/json.md describes it" },
    SOCKET_OPTION,
    { ...ZONE_OPTION, text: "Query this zone (socketmap name; default postfix)" },
  ],
  exits: [
    [0, "every reply is OK"],
    [1, "a reply is NOTFOUND"],
    [2, "wrong arguments"],
    [3, "a reply is TEMP or PERM, or the daemon does not answer"],
  ],
  examples: [[
    "mta-sts-resolver query example.com",
    "Print the reply that Postfix gets for mail to example.com",
  ]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  const zone = args.value("zone") ?? "postfix";
  const { listen } = daemonAddress(args, io);
  const keys = args.operands;
  const replies = await querySocketmap(listen, zone, keys, { timeout: TIMEOUT_MS });
  if (args.flag("json")) {
    for (const [at, key] of keys.entries()) {
      const [, status = "", text = ""] = /^(\S*) ?(.*)$/s.exec(replies[at]!) ?? [];
      const answer = { key, zone, from: formatEndpoint(listen), status, text };
      io.out(`${escapeInvisible(JSON.stringify(answer))}\n`);
    }
  } else {
    const rows = keys.map((key, at) => [key, escapeInvisible(replies[at]!)] as const);
    for (const line of columns(rows)) io.out(`${line.slice("  ".length).trimEnd()}\n`);
  }
  if (replies.every((reply) => reply.startsWith("OK "))) return 0;
  const answered = (reply: string) => reply.startsWith("OK ") || reply.startsWith("NOTFOUND");
  return replies.every(answered) ? EXIT_NOT_FOUND : EXIT_FAILURE;
}
