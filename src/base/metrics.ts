/**
 * Counters, gauges and histograms, and their Prometheus text form (version 0.0.4).
 *
 * To count is to add to a number: the counting code keeps a {@link Cell}. Only a scrape makes the text. There are
 * no timestamps, no summaries and no metrics of the runtime itself.
 *
 * @module
 */

/** One time series of a counter or gauge: keep it and add to `value`. */
export interface Cell {
  /** The count, or what the gauge shows. */
  value: number;
}

/** A counter or gauge with a finite set of label values. */
export interface Metric {
  /** The series for these label values (in the order of the declared label names); created at 0 on first use. */
  cell(...labelValues: string[]): Cell;
}

/** A histogram with fixed upper bounds in seconds. */
export interface Histogram {
  /** Counts one duration in the series of these label values. */
  observe(seconds: number, ...labelValues: string[]): void;
}

/** The registry. Each counter is declared at the top of the file that increments it. */
export interface Metrics {
  /** Declares a counter. @param name Full Prometheus name, ending in `_total`. @param help One sentence. */
  counter(name: string, help: string, labels?: readonly string[]): Metric;
  /** Declares a gauge that its owner sets. */
  gauge(name: string, help: string, labels?: readonly string[]): Metric;
  /** Declares a gauge that is read when scraped. */
  gaugeFn(name: string, help: string, read: () => number): void;
  /** Declares a histogram. @param bounds Upper bounds in seconds, ascending. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels?: readonly string[],
  ): Histogram;
  /** The series of a counter, or of a gauge that its owner sets; none for other names. */
  samples(name: string): Sample[];
  /** The whole registry in the Prometheus text format, version 0.0.4. */
  render(): string;
}

/** The present value of one series. */
export interface Sample {
  /** Label values by name. */
  readonly labels: Readonly<Record<string, string>>;
  /** The count, or what the gauge shows. */
  readonly value: number;
}

/** Metric and label names of this program: a subset of Prometheus's, all in lower case. */
const NAME = /^[a-z][a-z0-9_]*$/;

/**
 * Creates an empty registry.
 *
 * A second declaration of a name gives access to the same series, so that two servers share
 * their counters. A newer reader (`gaugeFn`) replaces the older one.
 *
 * @returns The registry. Its declarations throw a `TypeError` for a name that is not valid or
 * is taken by another shape. Its metrics throw a `RangeError` for a wrong number of label values.
 */
export function createMetrics(): Metrics {
  return new Registry();
}

class Registry implements Metrics {
  readonly #families = new Map<string, Family<unknown>>();

  counter(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#cells(name, { type: "counter", help, labels });
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#cells(name, { type: "gauge", help, labels });
  }

  gaugeFn(name: string, help: string, read: () => number): void {
    const facts = { type: "gauge", help, labels: [], detail: "read" };
    const family = new Family({ ...facts, create: () => ({ read }), write: writeReading });
    this.#declare(name, family).get([]).read = read;
  }

  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: readonly string[] = [],
  ): Histogram {
    const facts = { type: "histogram", help, labels, detail: String(bounds) };
    const create = () => new Buckets(bounds);
    const family = this.#declare(name, new Family({ ...facts, create, write: writeBuckets }));
    return { observe: (seconds, ...values) => family.get(values).observe(seconds) };
  }

  samples(name: string): Sample[] {
    return this.#families.get(name)?.samples() ?? [];
  }

  render(): string {
    return [...this.#families].map(([name, family]) => family.render(name)).join("");
  }

  #cells(name: string, facts: Pick<Facts<Cell>, "type" | "help" | "labels">): Metric {
    const create = () => ({ value: 0 });
    const family = this.#declare(name, new Family({ ...facts, create, write: writeCell }));
    return { cell: (...labelValues) => family.get(labelValues) };
  }

  #declare<T>(name: string, family: Family<T>): Family<T> {
    const wrong = [name, ...family.labels].find((word) => !NAME.test(word));
    if (wrong !== undefined) throw new TypeError(`Cannot declare metric: '${wrong}' is not a name`);
    const known = this.#families.get(name);
    if (known !== undefined && known.shape !== family.shape) {
      throw new TypeError(`Cannot declare metric '${name}' again with another shape`);
    }
    // Families of one shape hold values of one type, so the cast is safe.
    const declared = (known ?? family) as Family<T>;
    this.#families.set(name, declared as Family<unknown>);
    // A metric without labels exists from the start, at 0.
    if (declared.labels.length === 0) declared.get([]);
    return declared;
  }
}

/** What makes a family. */
interface Facts<T> {
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What else must agree, besides type and labels, if the name is declared again. */
  readonly detail?: string;
  create(): T;
  /** The sample lines of one series; `labels` as in `result="ok"`. */
  write(name: string, labels: string, value: T): string;
}

/** One series: the label values, as text for the output and as they are, and what it counts. */
interface Series<T> {
  readonly labels: string;
  readonly values: readonly string[];
  readonly value: T;
}

/** The header lines and the series of one name. */
class Family<T> {
  readonly labels: readonly string[];
  readonly shape: string;
  readonly #facts: Facts<T>;
  readonly #series = new Map<string, Series<T>>();

  constructor(facts: Facts<T>) {
    this.#facts = facts;
    this.labels = facts.labels;
    this.shape = `${facts.type} ${facts.labels} ${facts.detail}`;
  }

  get(values: readonly string[]): T {
    const key = values.join("\0");
    const known = this.#series.get(key);
    if (known !== undefined) return known.value;
    if (values.length !== this.labels.length) {
      throw new RangeError(`Cannot count: labels are '${this.labels}', values are '${values}'`);
    }
    const labels = this.labels.map((label, i) => `${label}="${escapeValue(values[i]!)}"`).join();
    const value = this.#facts.create();
    this.#series.set(key, { labels, values: [...values], value });
    return value;
  }

  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const { values, value } of this.#series.values()) {
      if (!isCell(value)) continue;
      const labels = Object.fromEntries(this.labels.map((label, i) => [label, values[i]!]));
      samples.push({ labels, value: value.value });
    }
    return samples;
  }

  render(name: string): string {
    const { help, type, write } = this.#facts;
    let text = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value } of this.#series.values()) text += write(name, labels, value);
    return text;
  }
}

/** One series of a histogram. The last bucket counts the values above all bounds. */
class Buckets {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = [...bounds, Infinity];
    this.counts = this.bounds.map(() => 0);
  }

  observe(seconds: number): void {
    this.sum += seconds;
    this.counts[this.bounds.findIndex((bound) => seconds <= bound)]! += 1;
  }
}

function isCell(value: unknown): value is Cell {
  return typeof value === "object" && value !== null && "value" in value &&
    typeof value.value === "number";
}

function writeCell(name: string, labels: string, cell: Cell): string {
  return writeSample(name, labels, cell.value);
}

function writeReading(name: string, labels: string, reader: { read(): number }): string {
  return writeSample(name, labels, reader.read());
}

function writeBuckets(name: string, labels: string, buckets: Buckets): string {
  let text = "";
  let total = 0;
  for (const [index, bound] of buckets.bounds.entries()) {
    total += buckets.counts[index]!;
    const le = `le="${formatNumber(bound)}"`;
    text += writeSample(`${name}_bucket`, labels === "" ? le : `${labels},${le}`, total);
  }
  return text + writeSample(`${name}_sum`, labels, buckets.sum) +
    writeSample(`${name}_count`, labels, total);
}

function writeSample(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${formatNumber(value)}\n`;
}

/** Writes a number in the form that Go's ParseFloat reads. */
function formatNumber(value: number): string {
  return Math.abs(value) === Infinity ? (value > 0 ? "+Inf" : "-Inf") : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
