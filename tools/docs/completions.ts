/**
 * Completions for bash, zsh and fish, from the tables of the commands.
 *
 * They complete commands, options, files, and the values that a configuration key allows.
 *
 * @module
 */

import { COMMON_OPTIONS, PROGRAM } from "../../src/cli/command.ts";
import type { Command, OptionSpec } from "../../src/cli/command.ts";
import type { KeyDescription } from "../../src/config/describe.ts";

const NOTICE = "# Made from the tables of the program, see tools/docs.";

/** Options that replace a command. */
const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  ...COMMON_OPTIONS,
  { name: "version", short: "V", text: "Print the version" },
];

/** The command that runs if none is given. */
const DEFAULT_COMMAND = "serve";

/** An option with its known values. */
interface Option extends OptionSpec {
  readonly choices: readonly string[];
}

/** Writes the completion for bash. */
export function formatBash(
  commands: readonly Command[],
  keys: readonly KeyDescription[],
): string {
  const first = [...firstWords(commands).keys(), ...GLOBAL_OPTIONS.flatMap(spellings)];
  const branches = [
    ...groups(commands).map(([group, words]) =>
      `"${group} ")\n            words="${[...words.keys()].join(" ")}" ;;`
    ),
    ...commands.map((command) =>
      `"${command.name} "*${command.name === DEFAULT_COMMAND ? ' | -*" "' : ""})` +
      bashOptions(command, optionsOf(command, keys))
    ),
  ];
  return `${NOTICE}
_mta_sts_resolver() {
    local cur=$2 prev=$3 words=""
    case "\${COMP_WORDS[*]:1:COMP_CWORD-1} " in
        " ")
            words="${first.join(" ")}" ;;
        ${branches.join("\n        ")}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _mta_sts_resolver ${PROGRAM}
`;
}

function bashOptions({ operands }: Command, options: readonly Option[]): string {
  const known = options.filter(({ value }) => value !== undefined).map((option) => {
    const { choices, value } = option;
    const action = isPath(value)
      ? "compopt -o default; return"
      : choices.length > 0
      ? `words="${choices.join(" ")}"`
      : "return";
    return `${spellings(option).join(" | ")}) ${action} ;;`;
  });
  const words = `words="${options.flatMap(spellings).join(" ")}"`;
  const other = isPath(operands)
    ? `*) if [[ $cur == -* ]]; then ${words}; else compopt -o default; fi ;;`
    : `*) ${words} ;;`;
  const cases = [...known, other].map((line) => `\n                ${line}`).join("");
  return `\n            case "$prev" in${cases}\n            esac ;;`;
}

/** Writes the completion for zsh. */
export function formatZsh(commands: readonly Command[], keys: readonly KeyDescription[]): string {
  const describe = (words: ReadonlyMap<string, string>) =>
    `names=(${
      [...words].map(([word, text]) => quote(`${word}:${text.replaceAll(":", "\\:")}`)).join(" ")
    })\n        _describe command names`;
  const specs = (command: Command) =>
    [...optionsOf(command, keys).map(zshOption), ...zshOperands(command)].join(" \\\n            ");
  const serve = commands.find(({ name }) => name === DEFAULT_COMMAND)!;
  const branches = [
    ...groups(commands).map(([group, words]) => `"${group} ")\n        ${describe(words)} ;;`),
    ...commands.map((command) => {
      const words = command.name.split(" ").length;
      return `"${command.name} "*)
        shift ${words} words
        (( CURRENT -= ${words} ))
        _arguments -s ${specs(command)} ;;`;
    }),
  ];
  return `#compdef ${PROGRAM}
${NOTICE}
local -a names
case "$words[2,CURRENT-1] " in
    " "|-*)
        if [[ $PREFIX == -* || CURRENT -gt 2 ]]; then
            _arguments -s ${quote("(- *)--version[Print the version]")} ${specs(serve)}
        else
            ${describe(firstWords(commands)).replace("\n", "\n    ")}
        fi ;;
    ${branches.join("\n    ")}
esac
`;
}

function zshOption(option: Option): string {
  const { value, many, text, choices } = option;
  const names = spellings(option);
  const action = isPath(value) ? "_files" : choices.length > 0 ? `(${choices.join(" ")})` : "";
  const argument = value === undefined ? "" : `:${value}:${action}`;
  const explained = quote(`[${text.replaceAll(/[[\]\\:]/g, "\\$&")}]${argument}`);
  const again = many ? "'*'" : names.length > 1 ? quote(`(${names.join(" ")})`) : "";
  return `${again}${names.length > 1 ? `{${names.join(",")}}` : names[0]}${explained}`;
}

function zshOperands({ operands }: Command): string[] {
  return operands === "" ? [] : [quote(`*:${operands}:${isPath(operands) ? "_files" : ""}`)];
}

/** Writes the completion for fish. */
export function formatFish(commands: readonly Command[], keys: readonly KeyDescription[]): string {
  const line = (condition: string, rest: string) =>
    `complete -c ${PROGRAM} -n ${quote(condition)} ${rest}`;
  const word = (condition: string, [name, text]: readonly [string, string]) =>
    line(condition, `-a ${name} -d ${quote(text)}`);
  const seen = (words: readonly string[]) =>
    words.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
  const groupNames = groups(commands).map(([group]) => group).join(" ");
  return [
    NOTICE,
    `complete -c ${PROGRAM} -f`,
    ...[...firstWords(commands)].map((entry) => word("__fish_use_subcommand", entry)),
    ...GLOBAL_OPTIONS.map((option) =>
      line("__fish_use_subcommand", fishOption({ ...option, choices: [] }))
    ),
    ...groups(commands).flatMap(([group, words]) => {
      const others = `${seen([group])}; and not ${seen([[...words.keys()].join(" ")])}`;
      return [...words].map((entry) => word(others, entry));
    }),
    ...commands.flatMap((command) => {
      const words = command.name.split(" ");
      // `publish serve` is another command than `serve`.
      const others = words.length > 1 ? "" : `; and not ${seen([groupNames])}`;
      const condition = seen(words) + others;
      return [
        ...optionsOf(command, keys).map((option) => line(condition, fishOption(option))),
        ...(isPath(command.operands) ? [line(condition, "-F")] : []),
      ];
    }),
    "",
  ].join("\n");
}

function fishOption({ name, short, value, text, choices }: Option): string {
  const letter = short === undefined ? "" : `-s ${short} `;
  const values = choices.length > 0 ? ` -a ${quote(choices.join(" "))}` : "";
  const argument = value === undefined ? "" : isPath(value) ? " -r -F" : ` -x${values}`;
  return `${letter}-l ${name}${argument} -d ${quote(text)}`;
}

/** The first words of the commands, each with its description. */
function firstWords(commands: readonly Command[]): Map<string, string> {
  const below = new Map(groups(commands));
  return new Map(commands.map(({ name, summary }) => {
    const [first = name] = name.split(" ");
    const group = below.get(first);
    return [first, group === undefined ? summary : `Commands ${[...group.keys()].join(", ")}`];
  }));
}

/** The second words of two-word commands, by first word. */
function groups(commands: readonly Command[]): [string, Map<string, string>][] {
  const found = new Map<string, Map<string, string>>();
  for (const { name, summary } of commands) {
    const [first, second] = name.split(" ");
    if (second === undefined) continue;
    found.set(first!, (found.get(first!) ?? new Map()).set(second, summary));
  }
  return [...found];
}

function optionsOf(command: Command, keys: readonly KeyDescription[]): Option[] {
  return [...command.options, ...COMMON_OPTIONS]
    .map((option) => ({ ...option, choices: choicesOf(option, keys) }));
}

/** An option has the name of the key that it overrides: `--log-level` overrides `log.level`. */
function choicesOf({ name }: OptionSpec, keys: readonly KeyDescription[]): readonly string[] {
  return keys.find(({ path }) => path.replaceAll(/[._]/g, "-") === name)?.words ?? [];
}

/** Whether a value or operand of this name is a file. */
function isPath(name: string | undefined): boolean {
  return /^(?:FILE|DIR)…?$/.test(name ?? "");
}

function spellings({ name, short }: OptionSpec): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
