/**
 * `publish lint FILE…`: reads policy files strictly and says what senders would make of them.
 *
 * @module
 */

import { closest } from "../config/suggest.ts";
import { quoteRemote } from "../base/log.ts";
import { lintPolicy } from "../publish/lint.ts";
import type { LintFinding } from "../publish/lint.ts";
import { LINT_RULES } from "../publish/lint_rules.ts";
import { decodePolicy } from "../publish/policy_file.ts";
import { judgeSenders } from "../publish/senders.ts";
import type { SenderView, Verdict } from "../publish/senders.ts";
import { readNamedFile } from "./arguments.ts";
import { columns } from "./command.ts";
import type { Command, CommandArgs, Io } from "./command.ts";

/** More than any policy has; what is larger is not read. */
const FILE_MAX_BYTES = 1024 * 1024;

/** Findings shown of one file: of what is no policy every line is one. */
const SHOWN_MAX = 50;

/** Lines of a table cell that are named. */
const LINES_SHOWN = 5;

/** Characters of a line that are shown. */
const QUOTE_LENGTH = 60;

const EXIT_FINDINGS = 1;

const VERDICTS: Readonly<Record<Verdict, string>> = {
  applies: "uses it",
  differs: "READS IT DIFFERENTLY",
  unknown: "not known",
  refuses: "REFUSES IT",
};

interface FileReport {
  readonly file: string;
  readonly findings: readonly LintFinding[];
  readonly senders: readonly SenderView[];
}

export const publishLintCommand: Command = {
  name: "publish lint",
  operands: "FILE…",
  arity: [1, Infinity],
  summary: "Read policy files strictly, and tell what senders make of them",
  description: [
    "Reports every departure from the grammar of RFC 8461 §3.2 with its line, and what is valid but",
    "probably not meant. Then it tells what kinds of senders would make of the file.",
  ],
  options: [{ name: "json", short: "j", text: "Print one JSON object a line for each file" }],
  exits: [
    [0, "nothing to correct; there may be notes"],
    [1, "there are errors or warnings"],
    [2, "wrong arguments, or a file cannot be read"],
  ],
  examples: [[
    "mta-sts-resolver publish lint /var/lib/mta-sts/*.txt",
    "All policies of a directory",
  ]],
  run,
};

async function run(args: CommandArgs, io: Io): Promise<number> {
  let exit = 0;
  for (const file of args.operands) {
    const text = decodePolicy(await readNamedFile(file, FILE_MAX_BYTES));
    const findings = lintPolicy(text, { suggest: closest });
    const report = { file, findings, senders: judgeSenders(findings) };
    io.out(args.flag("json") ? `${JSON.stringify(toJson(report))}\n` : formatReport(report));
    if (findings.some(({ severity }) => severity !== "note")) exit = EXIT_FINDINGS;
  }
  return exit;
}

function formatReport({ file, findings, senders }: FileReport): string {
  const lines = [`${file}:${findings.length === 0 ? " nothing to say" : ""}`];
  for (const { code, severity, line, message, text } of findings.slice(0, SHOWN_MAX)) {
    const { advice, section } = LINT_RULES[code];
    const where = line === 0 ? "" : ` line ${line}:`;
    const shown = text === undefined || text === "" ? "" : `: ${quoteRemote(text, QUOTE_LENGTH)}`;
    lines.push(`  ${severity}:${where} ${message}${shown}`);
    lines.push(`      ${advice} [${code}, RFC 8461 §${section}]`);
  }
  const more = findings.length - SHOWN_MAX;
  if (more > 0) lines.push(`  and ${more} more`);
  lines.push("  Senders:");
  const rows = senders.map(({ sender, verdict, reasons }): [string, string] => {
    const told = reasons.map(({ why, lines }) => why + formatLines(lines)).join("; ");
    return [sender, told === "" ? VERDICTS[verdict] : `${VERDICTS[verdict]}: ${told}`];
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

function toJson({ file, findings, senders }: FileReport): Record<string, unknown> {
  return {
    file,
    usable: !findings.some(({ severity }) => severity === "error"),
    findings: findings.map(({ code, severity, line, message, text }) => ({
      code,
      severity,
      line,
      message,
      text,
      advice: LINT_RULES[code].advice,
      section: `RFC 8461 §${LINT_RULES[code].section}`,
    })),
    senders,
  };
}
