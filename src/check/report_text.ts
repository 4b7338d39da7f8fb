/**
 * Reports as text, for a terminal and for mail from cron.
 *
 * @module
 */

import { type Finding, FINDING_KINDS, type Group, GROUPS } from "./finding.ts";
import type { Severity } from "./finding_kind.ts";
import type { Change } from "./memory.ts";
import type { DomainReport } from "./report.ts";
import { count } from "./wording.ts";

/** The label of each severity, all of the same width. */
const LABELS: Readonly<Record<Severity, string>> = {
  ok: "ok  ",
  info: "info",
  warning: "WARN",
  error: "FAIL",
};

/** SGR parameters of ECMA-48: green, blue, yellow, red. */
const COLOURS: Readonly<Record<Severity, number>> = { ok: 32, info: 34, warning: 33, error: 31 };
const BOLD = 1;

/** Aligns advice with the text of the finding. */
const INDENT = " ".repeat(8);

/** How to write. */
export interface TextOptions {
  readonly colour: boolean;
}

/** Writes the reports, in whole lines. */
export function formatText(reports: readonly DomainReport[], options: TextOptions): string {
  return reports.map((report) => formatReport(report, options)).join("\n");
}

/** Writes one line for each change; nothing if nothing changed. */
export function formatChanges(domain: string, changes: readonly Change[]): string {
  return changes.map(({ kind, severity, finding: { id, subject }, seen }) => {
    const label = kind === "new" ? `new  ${LABELS[severity]}` : "gone     ";
    const detail = seen === undefined ? "" : `: ${seen}`;
    return `${domain}: ${label} ${subject}: ${FINDING_KINDS[id].title}${detail} [${id}]\n`;
  }).join("");
}

/** The verdict on a domain in words. */
export function describeVerdict({ counts, undecided }: DomainReport): string {
  if (undecided) return "undecided, no DNS resolver answers";
  const { error, warning } = counts;
  const faults = [
    ...(error > 0 ? [count(error, "error")] : []),
    ...(warning > 0 ? [count(warning, "warning")] : []),
  ];
  return faults.join(", ") || "no faults";
}

function formatReport(report: DomainReport, options: TextOptions): string {
  const lines = [paint(report.domain, BOLD, options)];
  const advised = new Set<string>();
  for (const group of Object.keys(GROUPS) as Group[]) {
    const findings = report.findings.filter((finding) => finding.group === group);
    if (findings.length === 0) continue;
    lines.push("", paint(GROUPS[group], BOLD, options));
    for (const finding of findings) {
      lines.push(formatFinding(finding, options));
      // Several addresses with the same fault need the advice only once.
      if (!advised.has(finding.id)) lines.push(...formatAdvice(finding));
      advised.add(finding.id);
    }
  }
  const verdict = `${report.domain}: ${describeVerdict(report)}`;
  lines.push("", paint(verdict, COLOURS[report.verdict], options), "");
  return lines.join("\n");
}

function formatFinding(finding: Finding, options: TextOptions): string {
  const { id, severity, subject, title, seen } = finding;
  const label = paint(LABELS[severity], COLOURS[severity], options);
  return severity === "ok"
    ? `  ${label}  ${subject}: ${seen}`
    : `  ${label}  ${subject}: ${title}: ${seen} [${id}]`;
}

/** A finding with nothing to do needs no explanation. */
function formatAdvice({ why, fix }: Finding): string[] {
  return fix === "" ? [] : [`${INDENT}${why} ${fix}`];
}

function paint(text: string, parameter: number, { colour }: TextOptions): string {
  return colour ? `\x1b[${parameter}m${text}\x1b[0m` : text;
}
