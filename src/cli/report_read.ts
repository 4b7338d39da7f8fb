/**
 * `report read FILE…`: explains the TLS reports that others send (RFC 8460).
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import type { CommandArgs, Io } from "./command.ts";
import { readInput, readReceived, type ReceivedFile } from "./received_file.ts";
import { formatReceivedJson } from "./received_json.ts";
import { formatReceived } from "./received_text.ts";

const EXIT_FAILURES = 1;
const EXIT_NO_REPORT = 3;

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  if (args.operands.filter((file) => file === "-").length > 1) {
    throw new UsageError("'-' can be given once: standard input is read to its end");
  }
  const exits = new Set<number>();
  for (const [index, file] of args.operands.entries()) {
    const received = await readReceived(file, await readInput(file));
    if (args.flag("json")) io.out(formatReceivedJson(received));
    else io.out((index === 0 ? "" : "\n") + formatReceived(received));
    exits.add(exitOf(received));
  }
  return Math.max(...exits);
}

function exitOf(received: ReceivedFile): number {
  if (received.kind === "refused") return EXIT_NO_REPORT;
  const hasFailures = received.report.policies.some(({ failed, details }) =>
    failed > 0 || details.length > 0
  );
  return hasFailures ? EXIT_FAILURES : 0;
}
