/**
 * The command line: finds the command, parses its arguments, and turns mistakes into one line
 * on standard error and exit status 2. Only `main.ts` ends the process.
 *
 * @module
 */

import { UsageError } from "../config/usage_error.ts";
import { columns, formatHelp, parseCommandArgs, PROGRAM } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { configCommand } from "./config.ts";
import { healthCommand } from "./health.ts";
import { lookupCommand } from "./lookup.ts";
import { queryCommand } from "./query.ts";
import { serveCommand } from "./serve.ts";
import { VERSION } from "./version.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  lookupCommand,
  queryCommand,
  configCommand,
  healthCommand,
];

/** Exit status for mistakes in arguments or configuration. */
const EXIT_USAGE = 2;
/** Exit status for faults that are nobody's mistake in writing. */
const EXIT_FAILURE = 3;

/** The process's own input and output. */
export function processIo(): Io {
  const encoder = new TextEncoder();
  return {
    out: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    err: (line) => console.error(line),
    env: (name) => Deno.env.get(name),
    isTerminal: Deno.stdout.isTerminal(),
  };
}

function writeAll(writer: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writer.writeSync(bytes.subarray(done));
}

/**
 * Runs the program.
 *
 * @param argv Its arguments; without a command, `serve` is meant.
 * @param io Input and output, the process's own by default.
 * @returns The exit status.
 */
export async function runCli(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return report(error, io);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first = "serve", ...rest] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    const command = COMMANDS.find(({ name }) => name === rest[0]);
    io.out(command === undefined ? overview() : formatHelp(command));
    return 0;
  }
  if (first === "--version" || first === "-V") {
    io.out(`${PROGRAM} ${VERSION}\n`);
    return 0;
  }
  const named = COMMANDS.find(({ name }) => name === first);
  // `mta-sts-resolver -c FILE` starts the daemon, as the first resolver's command did.
  const command = named ?? (first.startsWith("-") ? serveCommand : undefined);
  if (command === undefined) {
    throw new UsageError(`unknown command '${first}'`, { hint: `see '${PROGRAM} --help'` });
  }
  const args = parseCommandArgs(named === undefined ? argv : rest, command);
  if (args.flag("help")) {
    io.out(formatHelp(command));
    return 0;
  }
  return await command.run(args, io);
}

function report(error: unknown, io: Io): number {
  if (error instanceof UsageError) {
    for (const line of error.message.split("\n")) io.err(`${PROGRAM}: ${line}`);
    if (error.hint !== undefined) io.err(`${PROGRAM}: ${error.hint}`);
    return EXIT_USAGE;
  }
  io.err(`${PROGRAM}: ${error instanceof Error ? error.message : String(error)}`);
  return EXIT_FAILURE;
}

function overview(): string {
  return [
    `Usage: ${PROGRAM} [COMMAND] [OPTION…]`,
    "",
    "Answers Postfix's smtp_tls_policy_maps with the MTA-STS policy (RFC 8461) of the next hop.",
    "",
    "Commands:",
    ...columns(COMMANDS.map(({ name, summary }) => [name, summary])),
    "",
    `'${PROGRAM} COMMAND --help' tells more. Without a command, 'serve' is meant.`,
    `'${PROGRAM} --version' prints the version.`,
    "",
  ].join("\n");
}
