/**
 * `report read FILE…`: explains the TLS reports that others send (RFC 8460).
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import type { Command, CommandArgs, Io } from "./command.ts";
import { readInput, readReceived, type ReceivedFile } from "./received_file.ts";
import { formatReceivedJson } from "./received_json.ts";
import { formatReceived } from "./received_text.ts";

const EXIT_FAILURES = 1;
const EXIT_NO_REPORT = 3;

export const reportReadCommand: Command = {
  name: "report read",
  operands: "FILE…",
  arity: [1, Infinity],
  summary: "Explain TLS reports that others sent",
  description: [
    "Reads mails, JSON and gzip, or standard input for '-', and says who reports, for which time, which policy",
    "they saw, what failed at which host, what that means and what to do, and where the file departs from",
    "RFC 8460. Whether the sender is who it says is not verified.",
  ],
  options: [{ name: "json", short: "j", text: "Print one JSON object per line for each file" }],
  exits: [
    [0, "all files are reports, and nothing failed"],
    [1, "a report names failures"],
    [2, "wrong arguments, or a file cannot be read"],
    [3, "a file has no report"],
  ],
  examples: [
    ["mta-sts-resolver report read report.json.gz", "Explain a report"],
    ["mta-sts-resolver report read Maildir/new/*", "Explain all reports of a mailbox"],
  ],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
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
