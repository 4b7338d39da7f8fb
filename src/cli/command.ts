/**
 * What a command is. Its arguments are parsed and its help is printed from the same table, so that the
 * two cannot disagree.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { closest } from "../config/suggest.ts";
import { UsageError } from "../config/usage_error.ts";

/** One option of a command. */
export interface OptionSpec {
  /** Long name without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Name of the value in the help text; absent for a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: boolean;
  /** One line. */
  readonly text: string;
}

/** Input and output of a command. */
export interface Io {
  /** Writes to standard output. The text includes its line ends. */
  out(text: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  /** Reads an environment variable. */
  env(name: string): string | undefined;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Standard error goes to the journal of systemd, which reads a priority such as `<3>` in front of a line. */
  readonly journal?: boolean;
}

/** The arguments of a command, checked against its table. */
export interface CommandArgs {
  readonly operands: readonly string[];
  /** Whether a switch was given. */
  flag(name: string): boolean;
  /** The value of an option; the last one if there are several. */
  value(name: string): string | undefined;
  /** All values of an option. */
  values(name: string): readonly string[];
}

/**
 * A command of the program. Its table is there at every start; what it runs is loaded on demand, so that a daemon holds
 * nothing of the other commands in memory.
 */
export interface Command {
  readonly name: string;
  /** Operands for the usage line, such as `DOMAIN…`. */
  readonly operands: string;
  /** Fewest and most operands. */
  readonly arity: readonly [number, number];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs below the usage line. */
  readonly description: readonly string[];
  readonly options: readonly OptionSpec[];
  /** Each exit status and its meaning. Absent: 0 for success, 2 for wrong arguments. */
  readonly exits?: readonly (readonly [number, string])[];
  /** Command lines, each with what it does. */
  readonly examples?: readonly (readonly [string, string])[];
  /**
   * Loads the file of the command and calls its `run`.
   *
   * @returns The exit status.
   */
  run(args: CommandArgs, io: Io): Promise<number>;
}

/** The program's name in messages and help. */
export const PROGRAM = "mta-sts-resolver";

/** Options that every command has. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: "help", short: "h", text: "Print this help" },
];

/** The option that names the configuration file, for commands that read it. */
export const CONFIG_OPTION: OptionSpec = {
  name: "config",
  short: "c",
  value: "FILE",
  text: "Configuration file (default /etc/mta-sts-resolver.yml, else /etc/mta-sts-daemon.yml)",
};

/** The option that names a zone: the last word of `socketmap:inet:host:port:name` in `main.cf`. */
export const ZONE_OPTION: OptionSpec = {
  name: "zone",
  short: "z",
  value: "NAME",
  text: "Answer as in this zone (socketmap name; default postfix)",
};

/**
 * Parses the arguments after the name of the command.
 *
 * @param argv The arguments.
 * @param command The command, with its table.
 * @throws {UsageError} If an option is unknown, lacks its value, or the number of operands is wrong.
 */
export function parseCommandArgs(argv: readonly string[], command: Command): CommandArgs {
  const specs = [...command.options, ...COMMON_OPTIONS];
  const hint = `see '${PROGRAM} ${command.name} --help'`;
  const parsed = parseArgs(argv, {
    boolean: specs.filter((spec) => spec.value === undefined).map((spec) => spec.name),
    string: [
      "_",
      ...specs.filter((spec) => spec.value !== undefined).map((spec) => spec.name),
    ],
    collect: specs.filter((spec) => spec.value !== undefined).map((spec) => spec.name),
    alias: Object.fromEntries(
      specs.filter((spec) => spec.short !== undefined).map((spec) => [spec.short, spec.name]),
    ),
    unknown: (arg: string, key?: string) => {
      if (key !== undefined) throw unknownOption(arg, { specs, hint });
    },
  });
  const operands = parsed._.map(String);
  const values = (name: string) => (parsed[name] ?? []) as string[];
  for (const spec of specs) {
    if (spec.value === undefined) continue;
    const given = values(spec.name);
    if (given.includes("")) {
      throw new UsageError(`option '--${spec.name}' needs a value (${spec.value})`, { hint });
    }
    if (given.length > 1 && spec.many !== true) {
      throw new UsageError(`option '--${spec.name}' is given more than once`, { hint });
    }
  }
  const [fewest, most] = command.arity;
  if (parsed.help !== true && (operands.length < fewest || operands.length > most)) {
    const wanted = command.operands === "" ? "no operands" : command.operands;
    throw new UsageError(`'${command.name}' takes ${wanted}: given ${operands.length}`, { hint });
  }
  return {
    operands,
    flag: (name) => parsed[name] === true,
    value: (name) => values(name).at(-1),
    values,
  };
}

function unknownOption(
  arg: string,
  { specs, hint }: { readonly specs: readonly OptionSpec[]; readonly hint: string },
): UsageError {
  const [word = ""] = arg.replace(/^-+/, "").split("=");
  const meant = arg.startsWith("--") ? closest(word, specs.map(({ name }) => name)) : undefined;
  const question = meant === undefined ? "" : `: did you mean '--${meant}'?`;
  return new UsageError(`unknown option '${arg}'${question}`, { hint });
}

/**
 * Formats the help of one command.
 *
 * @param command Its table.
 * @returns Text of whole lines.
 */
export function formatHelp(command: Command): string {
  const operands = command.operands === "" ? "" : ` ${command.operands}`;
  const lines = [`Usage: ${PROGRAM} ${command.name} [OPTION…]${operands}`, ""];
  lines.push(...command.description, "");
  lines.push("Options:", ...columns(optionRows([...command.options, ...COMMON_OPTIONS])));
  if (command.exits !== undefined) {
    lines.push("", "Exit status:");
    lines.push(...columns(command.exits.map(([code, text]) => [String(code), text])));
  }
  if (command.examples !== undefined) {
    lines.push("", "Examples:");
    for (const [call, text] of command.examples) lines.push(`  ${call}`, `      ${text}`);
  }
  return lines.join("\n") + "\n";
}

function optionRows(options: readonly OptionSpec[]): [string, string][] {
  return options.map(({ name, short, value, text }) => {
    const letter = short === undefined ? "    " : `-${short}, `;
    return [`${letter}--${name}${value === undefined ? "" : ` ${value}`}`, text];
  });
}

/** Two columns. The first is as wide as its widest cell. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
