/**
 * The command line: finds the command, parses its arguments and runs it. A mistake in them becomes one
 * line on standard error and exit status 2. Only `main.ts` ends the process.
 *
 * @module
 */

import { fstatSync } from "node:fs";
import { writeAllSync } from "../base/connection.ts";
import { messageOf } from "../base/error_text.ts";
import { UsageError } from "../config/usage_error.ts";
import { closest } from "../config/suggest.ts";
import { CACHE_COMMANDS } from "./cache_commands.ts";
import { isStream } from "../daemon/systemd_environment.ts";
import { columns, formatHelp, parseCommandArgs, PROGRAM } from "./command.ts";
import type { Command, Io } from "./command.ts";
import { configCheckCommand, configConvertCommand, configShowCommand } from "./config_commands.ts";
import {
  checkCommand,
  healthCommand,
  lookupCommand,
  queryCommand,
  serveCommand,
} from "./one_word_commands.ts";
import { PUBLISH_COMMANDS } from "./publish_commands.ts";
import {
  reportImportCommand,
  reportReceiveCommand,
  reportSummaryCommand,
} from "./received_commands.ts";
import {
  reportKeyCommand,
  reportReadCommand,
  reportSendCommand,
  reportServeCommand,
  reportShowCommand,
  reportStatusCommand,
} from "./report_commands.ts";
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
  ...CACHE_COMMANDS,
  checkCommand,
  ...PUBLISH_COMMANDS,
  reportServeCommand,
  reportStatusCommand,
  reportShowCommand,
  reportSendCommand,
  reportKeyCommand,
  reportReadCommand,
  reportReceiveCommand,
  reportImportCommand,
  reportSummaryCommand,
];

/** The file descriptor of standard error. */
const STDERR_FD = 2;

/** For a line that the journal shows as an error, sd-daemon(3). */
const PRIORITY_ERR = "<3>";

/** Exit status for mistakes in arguments or configuration. */
const EXIT_USAGE = 2;
/** Exit status for all other failures. */
const EXIT_FAILURE = 3;

/** Nobody reads standard output any more, as behind `| head`: the command ends, and nothing is wrong. */
class OutputClosed extends Error {}

/** Input and output of the process. */
export function processIo(): Io {
  const encoder = new TextEncoder();
  const stream = Deno.env.get("JOURNAL_STREAM");
  return {
    out(text) {
      try {
        writeAllSync(Deno.stdout, encoder.encode(text));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
        throw error;
      }
    },
    err: (line) => console.error(line),
    env: (name) => Deno.env.get(name),
    isTerminal: Deno.stdout.isTerminal(),
    journal: stream !== undefined && isStream(stream, fstatSync(STDERR_FD, { bigint: true })),
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
    if (error instanceof OutputClosed) return 0;
    return report(error, io);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === "--help" || first === "-h" || first === "help") return help(rest, io);
  if (first === "--version" || first === "-V") {
    io.out(`${PROGRAM} ${VERSION}\n`);
    return 0;
  }
  // `-c FILE` alone starts the daemon, as in postfix-mta-sts-resolver.
  const { command, words } = first === undefined || first.startsWith("-")
    ? { command: serveCommand, words: 0 }
    : findCommand(argv);
  if (command === undefined) {
    if (rest.length === 1 && ["--help", "-h", "help"].includes(rest[0]!)) return help([first!], io);
    throw unknownCommand(argv);
  }
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

/** Prints the help of a command, of the commands that begin with a word, or of all. */
function help(words: readonly string[], io: Io): number {
  const [first] = words;
  const { command } = findCommand(words);
  if (command !== undefined) io.out(formatHelp(command));
  else if (first === undefined) io.out(overview());
  else {
    const group = groupOf(first);
    if (group.length === 0) throw unknownCommand(words);
    io.out(groupHelp(first, group));
  }
  return 0;
}

/** The commands of two words that begin with this one. */
function groupOf(first: string): readonly Command[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
}

function unknownCommand([first = "", second]: readonly string[]): UsageError {
  const group = groupOf(first);
  if (group.length > 0) {
    const hint = `see '${PROGRAM} ${first} --help'`;
    if (second !== undefined && !second.startsWith("-")) {
      return unknown(`${first} ${second}`, { names: group.map(({ name }) => name), hint });
    }
    const names = group.map(({ name }) => `'${name}'`).join(", ");
    return new UsageError(`incomplete command '${first}': use one of ${names}`);
  }
  const firsts = COMMANDS.map(({ name }) => name.split(" ")[0]!);
  return unknown(first, { names: [...new Set(firsts)], hint: `see '${PROGRAM} --help'` });
}

function unknown(
  typed: string,
  { names, hint }: { readonly names: readonly string[]; readonly hint: string },
): UsageError {
  const meant = closest(typed, names);
  const question = meant === undefined ? "" : `: did you mean '${meant}'?`;
  return new UsageError(`unknown command '${typed}'${question}`, { hint });
}

function report(error: unknown, io: Io): number {
  const say = (line: string) => io.err(`${io.journal ? PRIORITY_ERR : ""}${PROGRAM}: ${line}`);
  if (error instanceof UsageError) {
    for (const line of error.message.split("\n")) say(line);
    if (error.hint !== undefined) say(error.hint);
    return EXIT_USAGE;
  }
  say(messageOf(error));
  return EXIT_FAILURE;
}

function groupHelp(first: string, group: readonly Command[]): string {
  return [
    `Usage: ${PROGRAM} ${first} COMMAND [OPTION…]`,
    "",
    "Commands:",
    ...columns(group.map(({ name, summary }) => [name, summary])),
    "",
    `'${PROGRAM} ${first} COMMAND --help' describes a command.`,
    "",
  ].join("\n");
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
