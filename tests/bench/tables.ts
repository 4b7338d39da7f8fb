/**
 * Figures as tables, in Markdown: to be read in a terminal and to be put into a document.
 *
 * @module
 */

import { type Figures, type Metric, METRICS } from "./figures.ts";
import type { Judgement } from "./judge.ts";

/** A table over scenarios, and what is shown of each server in them. */
export interface TableSpec {
  readonly title: string;
  /** The name of each scenario in the figures, and how it is called in the table. */
  readonly scenarios: readonly { name: string; label: string }[];
  readonly metrics: readonly Metric[];
  /** Rates are set in relation to these servers, too, as far as they took part. */
  readonly against?: readonly string[];
}

/** Formats one table: a row for each scenario and server that was measured. */
export function formatTable(figures: Figures, spec: TableSpec): string {
  const { title, scenarios, metrics } = spec;
  const measured = new Set(scenarios.flatMap(({ name }) => figures.servers(name)));
  const against = (spec.against ?? []).filter((server) => measured.has(server));
  const heads = ["", "server", ...metrics.map((metric) => METRICS[metric].head)];
  if (metrics.includes("rate")) heads.splice(3, 0, "spread");
  heads.push(...against.map((server) => `× ${server}`));
  const rows: string[][] = [];
  for (const { name, label } of scenarios) {
    for (const server of figures.servers(name)) {
      const subject = { scenario: name, server };
      const cells = metrics.map((metric) =>
        formatNumber(figures.median(subject, metric), METRICS[metric].digits)
      );
      if (cells.every((cell) => cell === "")) continue;
      if (metrics.includes("rate")) {
        cells.splice(1, 0, formatPercent(figures.spread(subject, "rate")));
      }
      cells.push(...against.map((other) => formatNumber(figures.ratio(subject, "rate", other), 2)));
      rows.push([label, server, ...cells]);
    }
  }
  return rows.length === 0 ? "" : `### ${title}\n\n${formatRows(heads, rows)}\n`;
}

/** Formats what became of the claims. */
export function formatJudgements(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ work, form, floor, figure, digits, holds }) => [
    work,
    form,
    floor,
    formatNumber(figure, digits),
    holds ? "yes" : "**no**",
  ]);
  return formatRows(["work", "program", "floor", "measured", "holds"], rows);
}

/** Formats rows under heads, columns aligned. */
function formatRows(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(...[head, ...rows.map((row) => row[column]!)].map((cell) => cell.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(heads), rule, ...rows.map(line)].join("\n");
}

/** With thousands separated; nothing for what was not measured. */
export function formatNumber(value: number, digits: number): string {
  if (Number.isNaN(value)) return "";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function formatPercent(share: number): string {
  return Number.isNaN(share) ? "" : `${Math.round(share * 100)} %`;
}
