/**
 * What was measured: one flat list of figures, from which tables, charts, the judgement and the JSON are made.
 *
 * @module
 */

import { median, medianRatio, spread } from "./stats.ts";

/** What a figure counts, with how it is headed and how many decimals are worth reading. */
export const METRICS = {
  rate: { head: "answers/s", digits: 0 },
  p50: { head: "p50 µs", digits: 0 },
  p99: { head: "p99 µs", digits: 0 },
  cpu: { head: "CPU µs/request", digits: 2 },
  rss: { head: "RSS MB", digits: 0 },
  start: { head: "first answer ms", digits: 0 },
  startCpu: { head: "CPU ms", digits: 0 },
  trips: { head: "round trips", digits: 1 },
  load: { head: "loading s", digits: 1 },
  octets: { head: "octets per domain", digits: 0 },
  open: { head: "opening ms", digits: 1 },
  write: { head: "µs per write", digits: 1 },
  written: { head: "KB written while answering", digits: 0 },
} as const;

/** A key of {@link METRICS}. */
export type Metric = keyof typeof METRICS;

/** What was asked of whom. */
export interface Subject {
  /** Such as `10 connections`. */
  readonly scenario: string;
  /** Such as `source` or `Deno echo`. */
  readonly server: string;
}

/** One figure with its value in each round. */
export interface Figure extends Subject {
  readonly metric: Metric;
  readonly values: number[];
}

/** The list of figures. */
export class Figures {
  readonly #figures = new Map<string, Figure>();

  /** Notes the value of one more round. */
  add({ scenario, server }: Subject, values: Partial<Record<Metric, number>>): void {
    for (const [metric, value] of Object.entries(values) as [Metric, number][]) {
      const key = keyOf(scenario, server, metric);
      const figure = this.#figures.get(key) ?? { scenario, server, metric, values: [] };
      figure.values.push(value);
      this.#figures.set(key, figure);
    }
  }

  /** All figures in the order in which they came. */
  all(): Figure[] {
    return [...this.#figures.values()];
  }

  /** Names of the servers that were measured in a scenario, in order. */
  servers(scenario: string): string[] {
    const figures = this.all().filter((figure) => figure.scenario === scenario);
    return [...new Set(figures.map(({ server }) => server))];
  }

  /** The values of all rounds; empty if it was not measured. */
  values({ scenario, server }: Subject, metric: Metric): readonly number[] {
    return this.#figures.get(keyOf(scenario, server, metric))?.values ?? [];
  }

  /** The median over the rounds; `NaN` if it was not measured. */
  median(subject: Subject, metric: Metric): number {
    return median(this.values(subject, metric));
  }

  /** See {@link spread}; `NaN` if it was not measured. */
  spread(subject: Subject, metric: Metric): number {
    const values = this.values(subject, metric);
    return values.length === 0 ? NaN : spread(values);
  }

  /** The median of the ratios to another server's value of the same round; `NaN` if one was not measured. */
  ratio(subject: Subject, metric: Metric, other: string): number {
    const others = this.values({ ...subject, server: other }, metric);
    return others.length === 0 ? NaN : medianRatio(this.values(subject, metric), others);
  }
}

function keyOf(...parts: string[]): string {
  return parts.join("\n");
}
