/**
 * The log and the metrics as the other parts see them.
 *
 * @module
 */

/** A value in a log line. Text is quoted and cut by the log, so remote text may be handed over as it is. */
export type LogValue = string | number | boolean | undefined;

/** Severity, from chatty to grave. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * The log. `event` is a short constant text in lower case ("policy changed"),
 * never built from remote text; everything variable goes into `fields`.
 */
export interface Log {
  debug(event: string, fields?: Record<string, LogValue>): void;
  info(event: string, fields?: Record<string, LogValue>): void;
  warn(event: string, fields?: Record<string, LogValue>): void;
  error(event: string, fields?: Record<string, LogValue>): void;
  /** Whether lines of this level are written, to save work on hot paths. */
  enabled(level: LogLevel): boolean;
}

/** One time series of a counter or gauge: hold it and add to `value`. */
export interface Cell {
  value: number;
}

/** A counter or gauge with a finite set of label values. */
export interface Metric {
  /** The series for these label values (in the order of the declared label names); created at 0 on first use. */
  cell(...labelValues: string[]): Cell;
}

/** A histogram with fixed upper bounds in seconds. */
export interface Histogram {
  observe(seconds: number, ...labelValues: string[]): void;
}

/** Where counters are declared, each at the top of the file that increments it. */
export interface Metrics {
  /** @param name Full Prometheus name, ending in `_total`. @param help One sentence. */
  counter(name: string, help: string, labels?: readonly string[]): Metric;
  /** A gauge that is set by its owner. */
  gauge(name: string, help: string, labels?: readonly string[]): Metric;
  /** A gauge read when scraped. */
  gaugeFn(name: string, help: string, read: () => number): void;
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels?: readonly string[],
  ): Histogram;
  /** The series of a counter or of a gauge set by its owner; none for another or unknown name. */
  samples(name: string): Sample[];
  /** The whole registry in the Prometheus text format, version 0.0.4. */
  render(): string;
}

/** One series as it stands. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
