/**
 * `query KEY…`: queries a running daemon as Postfix does.
 *
 * @module
 */

import { formatEndpoint } from "../base/address.ts";
import { escapeInvisible } from "../base/quote_text.ts";
import { querySocketmap } from "../postfix/client.ts";
import { columns } from "./command.ts";
import type { CommandArgs, Io } from "./command.ts";
import { daemonAddress } from "./read_config.ts";

/** Postfix waits 100 seconds, but a person at a terminal does not, ms. */
const TIMEOUT_MS = 30_000;

/** Exit status for a reply NOTFOUND. */
const EXIT_NOT_FOUND = 1;
const EXIT_FAILURE = 3;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
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
