/**
 * The command line: finds the command, parses its arguments and runs it. A mistake in them becomes one
 * line on standard error and exit status 2. Only `main.ts` ends the process.
 *
 * @module
 */

import { writeAllSync } from "../base/connection.ts";
import { messageOf } from "../base/error_text.ts";
import { UsageError } from "../config/usage_error.ts";
import {
  cacheExportCommand,
  cacheListCommand,
  cachePurgeCommand,
  cacheRefreshCommand,
  cacheShowCommand,
} from "./cache.ts";
import { checkCommand } from "./check.ts";
import { columns, formatHelp, parseCommandArgs, PROGRAM } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { configCheckCommand } from "./config_check.ts";
import { configConvertCommand } from "./config_convert.ts";
import { configShowCommand } from "./config_show.ts";
import { healthCommand } from "./health.ts";
import { lookupCommand } from "./lookup.ts";
import { PUBLISH_COMMANDS } from "./publish.ts";
import { queryCommand } from "./query.ts";
import { serveCommand } from "./serve.ts";
import { VERSION } from "../base/version.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  lookupCommand,
  queryCommand,
  configCheckCommand,
  configShowCommand,
  configConvertCommand,
  healthCommand,
  cacheListCommand,
  cacheShowCommand,
  cacheRefreshCommand,
  cachePurgeCommand,
  cacheExportCommand,
  checkCommand,
  ...PUBLISH_COMMANDS,
];

/** Exit status for mistakes in arguments or configuration. */
const EXIT_USAGE = 2;
/** Exit status for all other failures. */
const EXIT_FAILURE = 3;

/** Input and output of the process. */
export function processIo(): Io {
  const encoder = new TextEncoder();
  return {
    out: (text) => writeAllSync(Deno.stdout, encoder.encode(text)),
    err: (line) => console.error(line),
    env: (name) => Deno.env.get(name),
    isTerminal: Deno.stdout.isTerminal(),
  };
}

/**
 * Runs the program.
 *
 * @param argv Its arguments. The default command is `serve`.
 * @param io Input and output; those of the process by default.
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
  const [first, ...rest] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    const { command } = findCommand(rest);
    io.out(command === undefined ? overview() : formatHelp(command));
    return 0;
  }
  if (first === "--version" || first === "-V") {
    io.out(`${PROGRAM} ${VERSION}\n`);
    return 0;
  }
  // `-c FILE` alone starts the daemon, as in postfix-mta-sts-resolver.
  const { command, words } = first === undefined || first.startsWith("-")
    ? { command: serveCommand, words: 0 }
    : findCommand(argv);
  if (command === undefined) throw unknownCommand(argv);
  const args = parseCommandArgs(argv.slice(words), command);
  if (args.flag("help")) {
    io.out(formatHelp(command));
    return 0;
  }
  return await command.run(args, io);
}

/** The command that the first words name, such as `cache list`. The longest name counts. */
function findCommand(argv: readonly string[]): { command: Command | undefined; words: number } {
  for (const words of [2, 1]) {
    const wanted = argv.slice(0, words).join(" ");
    const command = COMMANDS.find(({ name }) => name === wanted);
    if (command !== undefined) return { command, words };
  }
  return { command: undefined, words: 0 };
}

function unknownCommand([first = ""]: readonly string[]): UsageError {
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) {
    return new UsageError(`unknown command '${first}'`, { hint: `see '${PROGRAM} --help'` });
  }
  const names = group.map(({ name }) => `'${name}'`).join(", ");
  return new UsageError(`incomplete command '${first}': use one of ${names}`);
}

function report(error: unknown, io: Io): number {
  if (error instanceof UsageError) {
    for (const line of error.message.split("\n")) io.err(`${PROGRAM}: ${line}`);
    if (error.hint !== undefined) io.err(`${PROGRAM}: ${error.hint}`);
    return EXIT_USAGE;
  }
  io.err(`${PROGRAM}: ${messageOf(error)}`);
  return EXIT_FAILURE;
}

function overview(): string {
  return [
    `Usage: ${PROGRAM} [COMMAND] [OPTION…]`,
    "",
    "Answers Postfix smtp_tls_policy_maps lookups with the MTA-STS policy (RFC 8461) of the next hop.",
    "",
    "Commands:",
    ...columns(COMMANDS.map(({ name, summary }) => [name, summary])),
    "",
    `'${PROGRAM} COMMAND --help' describes a command. The default command is 'serve'.`,
    `'${PROGRAM} --version' prints the version.`,
    "",
  ].join("\n");
}
