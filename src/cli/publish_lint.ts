/**
 * `publish lint FILE…`: checks policy files strictly and says what senders make of them.
 *
 * @module
 */

import { closest } from "../config/suggest.ts";
import { quoteRemote } from "../base/quote_text.ts";
import { lintPolicy } from "../publish/lint.ts";
import type { Diagnostic } from "../publish/lint.ts";
import { LINT_RULES } from "../publish/lint_rules.ts";
import { decodePolicy } from "../publish/policy_file.ts";
import { judgeSenders } from "../publish/senders.ts";
import type { Acceptance, SenderView } from "../publish/senders.ts";
import { readNamedFile } from "./arguments.ts";
import { columns } from "./command.ts";
import type { CommandArgs, Io } from "./command.ts";

/** No policy is larger, and a larger file is not read. */
const FILE_MAX_BYTES = 1024 * 1024;

/** Diagnostics shown of one file. A file that is not a policy has one on every line. */
const SHOWN_MAX = 50;

/** Line numbers shown in a table cell. */
const LINES_SHOWN = 5;

/** Characters shown of a line. */
const QUOTE_LENGTH = 60;

const EXIT_MISTAKES = 1;

const ACCEPTANCES: Readonly<Record<Acceptance, string>> = {
  applies: "applies it",
  differs: "READS IT DIFFERENTLY",
  unknown: "not known",
  refuses: "REFUSES IT",
};

interface FileReport {
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly senders: readonly SenderView[];
}

/** Runs the command. @returns The exit status. */
export async function run(args: CommandArgs, io: Io): Promise<number> {
  let exit = 0;
  for (const file of args.operands) {
    const text = decodePolicy(await readNamedFile(file, FILE_MAX_BYTES));
    const diagnostics = lintPolicy(text, { suggest: closest });
    const report = { file, diagnostics, senders: judgeSenders(diagnostics) };
    io.out(args.flag("json") ? `${JSON.stringify(toJson(report))}\n` : formatReport(report));
    if (diagnostics.some(({ severity }) => severity !== "note")) exit = EXIT_MISTAKES;
  }
  return exit;
}

function formatReport({ file, diagnostics, senders }: FileReport): string {
  const lines = [`${file}:${diagnostics.length === 0 ? " no mistakes" : ""}`];
  for (const { code, severity, line, message, text } of diagnostics.slice(0, SHOWN_MAX)) {
    const { advice, section } = LINT_RULES[code];
    const where = line === 0 ? "" : ` line ${line}:`;
    const shown = text === undefined || text === "" ? "" : `: ${quoteRemote(text, QUOTE_LENGTH)}`;
    lines.push(`  ${severity}:${where} ${message}${shown}`);
    lines.push(`      ${advice} [${code}, RFC 8461 §${section}]`);
  }
  const more = diagnostics.length - SHOWN_MAX;
  if (more > 0) lines.push(`  and ${more} more`);
  lines.push("  Senders:");
  const rows = senders.map(({ sender, acceptance, reasons }): [string, string] => {
    const told = reasons.map(({ why, lines }) => why + formatLines(lines)).join("; ");
    return [sender, told === "" ? ACCEPTANCES[acceptance] : `${ACCEPTANCES[acceptance]}: ${told}`];
  });
  lines.push(...columns(rows).map((row) => `  ${row}`), "");
  return lines.join("\n");
}

function formatLines(lines: readonly number[]): string {
  const named = lines.filter((line) => line > 0);
  if (named.length === 0) return "";
  const shown = named.slice(0, LINES_SHOWN).join(", ");
  return ` (line${named.length > 1 ? "s" : ""} ${shown}${named.length > LINES_SHOWN ? ", …" : ""})`;
}

function toJson({ file, diagnostics, senders }: FileReport): Record<string, unknown> {
  return {
    file,
    usable: !diagnostics.some(({ severity }) => severity === "error"),
    findings: diagnostics.map(({ code, severity, line, message, text }) => ({
      code,
      severity,
      line,
      message,
      text,
      advice: LINT_RULES[code].advice,
      section: `RFC 8461 §${LINT_RULES[code].section}`,
    })),
    senders: senders.map(({ sender, acceptance, reasons }) => ({
      sender,
      verdict: acceptance,
      reasons,
    })),
  };
}
