/**
 * What the whole bench hands out: tables on standard output, all figures as JSON, charts.
 *
 * @module
 */

import { KNOWN_LOADS, NONE_LOADS } from "./answers.ts";
import { type BarGroup, drawBars, drawPanels, type Panel } from "./chart.ts";
import type { Figures, Metric } from "./figures.ts";
import { contactName, DISTANCE_MS } from "./first_contact.ts";
import { START_STEPS } from "./footprint.ts";
import { CONNECTION_STEPS, DOMAIN_STEPS, lastForm, NEW_NAME_STEPS, stepName } from "./growth.ts";
import { judge } from "./judge.ts";
import { daemonForms } from "./servers.ts";
import { formatJudgements, formatNumber, formatTable, type TableSpec } from "./tables.ts";

/** Where to write what; nothing is written where it is empty. */
export interface ReportOptions {
  readonly json: string;
  readonly svg: string;
}

const ECHO = "Deno echo";
const PYTHON = "Python internal";
const GO = "Go";

/** Prints and writes the report. */
export function writeReport(figures: Figures, { json, svg }: ReportOptions): void {
  const machine = describeMachine();
  console.log(`${machine}\n`);
  for (const spec of TABLES) {
    const table = formatTable(figures, spec);
    if (table !== "") console.log(table);
  }
  const judgements = judge(figures, daemonForms().map(({ name }) => name));
  console.log(formatJudgements(judgements));
  if (json !== "") {
    const record = { machine, judgements, figures: figures.all() };
    Deno.writeTextFileSync(json, `${JSON.stringify(record, null, 1)}\n`);
  }
  if (svg !== "") {
    const answers = answerGroups(figures);
    if (answers.length > 0) {
      const title = "Cached answers: rate in relation to a bare Deno echo";
      Deno.writeTextFileSync(`${svg}/performance-answers.svg`, drawBars(title, answers));
    }
    const growth = growthPanels(figures);
    if (growth.length > 0) {
      const title = "Latency and memory at 2,000 answers a second";
      Deno.writeTextFileSync(`${svg}/performance-growth.svg`, drawPanels(title, growth));
    }
  }
}

function describeMachine(): string {
  const model = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  const memory = Math.round(Deno.systemMemoryInfo().total / 1024 ** 3);
  const cores = navigator.hardwareConcurrency;
  const load = Deno.loadavg()[0]!.toFixed(1);
  return `${cores} × ${model ?? Deno.build.arch}, ${memory} GB, Linux ${Deno.osRelease()}, ` +
    `Deno ${Deno.version.deno}, load average at the end ${load}`;
}

function named(name: string): { name: string; label: string } {
  return { name, label: name };
}

function steps(
  what: string,
  numbers: readonly number[],
  label: string,
): { name: string; label: string }[] {
  return numbers.map((step) => ({
    name: stepName(what, step),
    label: `${formatNumber(step, 0)} ${label}`,
  }));
}

const TABLES: readonly TableSpec[] = [
  {
    title: "Answers to what is known",
    scenarios: [
      ...Object.keys(KNOWN_LOADS),
      "unix socket, 10 connections",
      "parent domains, 10 connections",
      ...Object.keys(NONE_LOADS),
      "no record, never asked before, 50 connections",
    ].map(named),
    metrics: ["rate", "p50", "p99", "cpu"],
    against: [ECHO, PYTHON, GO],
  },
  {
    title: "First contact, and a mixed day",
    scenarios: [
      ...[1, 20, 50].map(contactName),
      "mixed day, 10 connections",
    ].map(named),
    metrics: ["rate", "p50", "p99", "cpu"],
    against: ["Deno fetch", PYTHON, GO],
  },
  {
    title: `First contact with round trips of ${2 * DISTANCE_MS} ms`,
    scenarios: [named("first contact at a distance")],
    metrics: ["p50", "p99", "trips"],
  },
  {
    title: "More domains in the cache",
    scenarios: [
      ...steps("zipf", DOMAIN_STEPS, "domains, few of them most often"),
      ...steps("uniform", DOMAIN_STEPS, "domains, all alike"),
    ],
    metrics: ["p50", "p99", "cpu", "rss"],
  },
  {
    title: "More connections",
    scenarios: steps("connections", CONNECTION_STEPS, "connections"),
    metrics: ["p50", "p99", "cpu", "rss"],
  },
  {
    title: "Known domains while names come that were never asked for",
    scenarios: steps("new names", NEW_NAME_STEPS, "new names a second"),
    metrics: ["p50", "p99", "rss"],
  },
  {
    title: "Start",
    scenarios: steps("start", START_STEPS, "domains on disk"),
    metrics: ["start", "startCpu", "rss"],
  },
  {
    title: "Memory",
    scenarios: [
      "idle",
      "after the run",
      "under load, 100 connections",
      "under load, 100 connections × 32 ahead",
      "2000 held connections",
    ].map(named),
    metrics: ["rss", "written"],
  },
  {
    title: "The cache file by itself",
    scenarios: steps("cache file", DOMAIN_STEPS, "domains"),
    metrics: ["load", "octets", "open"],
  },
  {
    title: "Writing policies",
    scenarios: ["policies written one by one", "policies written in one transaction"].map(named),
    metrics: ["write"],
  },
];

function answerGroups(figures: Figures): BarGroup[] {
  return [...Object.keys(KNOWN_LOADS), "unix socket, 10 connections"].map((scenario) => ({
    heading: scenario,
    bars: figures.servers(scenario).map((server) => {
      const subject = { scenario, server };
      const value = figures.ratio(subject, "rate", ECHO);
      const rate = formatNumber(figures.median(subject, "rate"), 0);
      return { label: server, value, text: `${value.toFixed(2)} (${rate}/s)` };
    }),
  })).filter(({ bars }) => bars.length > 0);
}

function growthPanels(figures: Figures): Panel[] {
  const daemon = lastForm().name;
  const line = (label: string, what: string, of: Of) => ({
    label,
    values: of.steps.map((step) =>
      figures.median({ scenario: stepName(what, step), server: of.server }, of.metric)
    ),
  });
  const domains = (metric: Metric) => ({ steps: DOMAIN_STEPS, server: daemon, metric });
  const compared = (what: string, numbers: readonly number[], metric: Metric) =>
    [daemon, PYTHON].map((server) => line(server, what, { steps: numbers, server, metric }));
  const panels: Panel[] = [
    {
      heading: "p99 of an answer, µs, by domains in the cache",
      axis: "domains",
      steps: DOMAIN_STEPS,
      lines: [line("zipf", "zipf", domains("p99")), line("uniform", "uniform", domains("p99"))],
    },
    {
      heading: "RSS, MB, by domains in the cache",
      axis: "domains",
      steps: DOMAIN_STEPS,
      lines: [line("zipf", "zipf", domains("rss")), line("uniform", "uniform", domains("rss"))],
    },
    {
      heading: "p99 of an answer, µs, by connections",
      axis: "connections",
      steps: CONNECTION_STEPS,
      lines: compared("connections", CONNECTION_STEPS, "p99"),
    },
    {
      heading: "RSS, MB, by connections",
      axis: "connections",
      steps: CONNECTION_STEPS,
      lines: compared("connections", CONNECTION_STEPS, "rss"),
    },
    {
      heading: "p99 of a known domain, µs, by new names a second",
      axis: "new names a second",
      steps: NEW_NAME_STEPS,
      lines: compared("new names", NEW_NAME_STEPS, "p99"),
    },
    {
      heading: "RSS, MB, by new names a second",
      axis: "new names a second",
      steps: NEW_NAME_STEPS,
      lines: compared("new names", NEW_NAME_STEPS, "rss"),
    },
  ];
  return panels.filter(hasValues);
}

/** What a line of a panel shows. */
interface Of {
  readonly steps: readonly number[];
  readonly server: string;
  readonly metric: Metric;
}

function hasValues({ lines }: Panel): boolean {
  return lines.some(({ values }) => values.some((value) => !Number.isNaN(value)));
}
