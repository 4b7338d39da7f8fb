/**
 * The manual pages mta-sts-resolver(1) and mta-sts-resolver.yml(5), from the tables of the commands and
 * the configuration keys.
 *
 * @module
 */

import { COMMON_OPTIONS, PROGRAM } from "../../src/cli/command.ts";
import type { Command, OptionSpec } from "../../src/cli/command.ts";
import { CONFIG_FILES } from "../../src/config/defaults.ts";
import type { KeyDescription } from "../../src/config/describe.ts";
import { bold, italic, literal, prose, tagged, verbatim } from "./roff.ts";

/** What the header and footer of a page say. */
export interface PageOptions {
  readonly version: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
}

/** A configuration that shows how the dotted names of the manual are written. */
export const EXAMPLE = `http: 127.0.0.1:8462
default_zone:
  on_dns_failure: defer
zones:
  relay:
    tlsrpt: true
cache:
  memory_entries: 100000
log:
  level: warn`;

/** Writes the page of the program. */
export function formatProgramPage(commands: readonly Command[], page: PageOptions): string {
  return join([
    heading(PROGRAM, { section: 1, ...page }),
    ".SH NAME",
    literal(`${PROGRAM} - MTA-STS policies for Postfix`),
    ".SH SYNOPSIS",
    commands.map(usage).join("\n.br\n"),
    ".SH DESCRIPTION",
    prose(
      "Answers Postfix `smtp_tls_policy_maps` lookups with the MTA-STS policy (RFC 8461) of the " +
        "next hop. The default command is `serve`.",
    ),
    ".SH OPTIONS",
    ...COMMON_OPTIONS.map(option),
    tagged(`${bold("-V")}, ${bold("--version")}`, "Print the version"),
    ".SH COMMANDS",
    ...commands.flatMap(section),
    ".SH FILES",
    ...CONFIG_FILES.map((file, index) =>
      tagged(
        bold(file),
        index === 0
          ? "The configuration; see `mta-sts-resolver.yml`(5)"
          : "The configuration of postfix-mta-sts-resolver, which is read if the file above does not exist",
      )
    ),
    ".SH ENVIRONMENT",
    tagged(
      ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"].map(bold).join(", "),
      "Location of the cache file if `cache.file` is not set: `$STATE_DIRECTORY/cache.db`, else in " +
        "`$XDG_STATE_HOME/mta-sts-resolver/cache.db`, else in " +
        "`$HOME/.local/state/mta-sts-resolver/cache.db`",
    ),
    ".SH EXAMPLES",
    tagged(bold("smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix"), "In main.cf"),
    ...commands.flatMap(({ examples = [] }) => examples)
      .map(([call, text]) => tagged(bold(call), text)),
    seeAlso(`${PROGRAM}.yml(5)`, "postconf(5)", "socketmap_table(5)"),
  ]);
}

/** Writes the page of the configuration file. */
export function formatConfigPage(keys: readonly KeyDescription[], page: PageOptions): string {
  return join([
    heading(`${PROGRAM}.yml`, { section: 5, ...page }),
    ".SH NAME",
    literal(`${PROGRAM}.yml - configuration of ${PROGRAM}`),
    ".SH DESCRIPTION",
    prose(
      "The configuration is read from the file named with `--config`, else from " +
        `${CONFIG_FILES.join(", else from ")}. Without a file, the defaults apply. ` +
        "The file is YAML. Every key is optional. Durations are in seconds. A file with an unknown " +
        "key or a value that is not allowed is refused, with one line for each mistake.",
    ),
    ".PP",
    prose(
      "In this manual, `dns.timeout` is the key `timeout` in the mapping `dns`. The mapping under " +
        "each name in `zones` has the keys of `default_zone`. `DOMAIN` stands for each name in `domains`.",
    ),
    ".PP",
    prose(
      "`mta-sts-resolver config check` checks a file. `mta-sts-resolver config show` prints the " +
        "effective configuration. On SIGHUP the daemon reads its file again.",
    ),
    ".SH KEYS",
    ...keys.filter(({ legacy }) => !legacy).map(key),
    ".SH KEYS OF POSTFIX\\-MTA\\-STS\\-RESOLVER",
    prose(
      "A file of postfix-mta-sts-resolver can be used unchanged. Apart from `cache`, `default_zone`, " +
        "`shutdown_timeout` and `zones`, it has these keys. `mta-sts-resolver config convert` " +
        "converts them to the keys above.",
    ),
    ...keys.filter(({ legacy }) => legacy).map(key),
    ".SH EXAMPLES",
    verbatim(EXAMPLE),
    seeAlso(`${PROGRAM}(1)`, "socketmap_table(5)"),
  ]);
}

function heading(name: string, { section, version, date }: PageOptions & { section: number }) {
  return [
    '.\\" Made from the tables of the program, see tools/docs.',
    `.TH ${literal(name.toUpperCase())} ${section} ${date} "${PROGRAM} ${version}"`,
    // No hyphenation, because names must stay whole, and no stretched spaces.
    ".nh",
    ".ad l",
  ].join("\n");
}

function usage({ name, operands }: Command): string {
  const after = operands === "" ? "" : ` ${italic(operands)}`;
  return `${bold(`${PROGRAM} ${name}`)} [${italic("OPTION")}...]${after}`;
}

function section(command: Command): string[] {
  const { name, operands, description, options, exits = [] } = command;
  const statuses = exits.map(([code, text]) => `\`${code}\` ${text}`);
  return [
    `.SS ${literal(name)}${operands === "" ? "" : ` ${literal(operands)}`}`,
    prose(description.join(" ")),
    ...options.map(option),
    ...(exits.length === 0 ? [] : [".PP", prose(`Exit status: ${statuses.join("; ")}.`)]),
  ];
}

function option({ name, short, value, many, text }: OptionSpec): string {
  const letter = short === undefined ? "" : `${bold(`-${short}`)}, `;
  const operand = value === undefined ? "" : ` ${italic(value)}`;
  return tagged(
    `${letter}${bold(`--${name}`)}${operand}`,
    many ? `${text}; may be given several times` : text,
  );
}

function key({ path, type, text, allowed, default: fallback }: KeyDescription): string {
  const values = type === "mapping" ? "" : ` Allowed: ${allowed}.`;
  return tagged(bold(path), text + values + (fallback === "" ? "" : ` Default: \`${fallback}\`.`));
}

function seeAlso(...pages: readonly string[]): string {
  const references = pages.map((page) => page.replace(/^(.*)(\(\d\))$/, "`$1`$2"));
  return `.SH SEE ALSO\n${prose([...references, "RFC 8461"].join(", "))}`;
}

function join(parts: readonly string[]): string {
  return parts.join("\n") + "\n";
}
