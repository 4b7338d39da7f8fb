/**
 * Counters, gauges and histograms, and their Prometheus text form (version 0.0.4).
 *
 * Counting is adding to a number: whoever counts keeps its {@link Cell}. Text is
 * only made when someone scrapes. There are no timestamps, no summaries and no
 * metrics of the runtime itself.
 *
 * @module
 */

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

/** Metric and label names of this program: a subset of Prometheus's that needs no quoting. */
const NAME = /^[a-z][a-z0-9_]*$/;

/**
 * Makes an empty registry.
 *
 * Declaring a name again gives access to the same series, so that two servers share
 * their counters; a reader (`gaugeFn`) is replaced by the newer one.
 *
 * @returns The registry. Its declarations throw a `TypeError` for a name that is not valid or
 * is taken by another shape, its metrics a `RangeError` for a wrong number of label values.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Family<unknown>>();

  function declare<T>(name: string, family: Family<T>): Family<T> {
    const wrong = [name, ...family.labels].find((word) => !NAME.test(word));
    if (wrong !== undefined) throw new TypeError(`Cannot declare metric: '${wrong}' is not a name`);
    const known = families.get(name);
    if (known !== undefined && known.shape !== family.shape) {
      throw new TypeError(`Cannot declare metric '${name}' again with another shape`);
    }
    // Families of one shape hold values of one type, so the cast is safe.
    const declared = (known ?? family) as Family<T>;
    families.set(name, declared as Family<unknown>);
    // A metric without labels is there from the start, at 0.
    if (declared.labels.length === 0) declared.get([]);
    return declared;
  }

  function cells(name: string, type: string, help: string, labels: readonly string[]): Metric {
    const family = declare(
      name,
      new Family({ type, help, labels, create: () => ({ value: 0 }), write: writeCell }),
    );
    return { cell: (...labelValues) => family.get(labelValues) };
  }

  return {
    counter: (name, help, labels = []) => cells(name, "counter", help, labels),
    gauge: (name, help, labels = []) => cells(name, "gauge", help, labels),
    gaugeFn(name, help, read) {
      const create = () => ({ read });
      const facts = {
        type: "gauge",
        help,
        labels: [],
        detail: "read",
        create,
        write: writeReading,
      };
      declare(name, new Family(facts)).get([]).read = read;
    },
    histogram(name, help, bounds, labels = []) {
      const create = () => new Buckets(bounds);
      const facts = { type: "histogram", help, labels, detail: String(bounds), create };
      const family = declare(name, new Family({ ...facts, write: writeBuckets }));
      return { observe: (seconds, ...values) => family.get(values).observe(seconds) };
    },
    samples: (name) => families.get(name)?.samples() ?? [],
    render: () => [...families].map(([name, family]) => family.render(name)).join(""),
  };
}

/** What a family is made of. */
interface Facts<T> {
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** What else must agree, beside type and labels, when the name is declared again. */
  readonly detail?: string;
  create(): T;
  /** The sample lines of one series; `labels` as in `result="ok"`. */
  write(name: string, labels: string, value: T): string;
}

/** The label values, as text for the output and as they are, and what they count. */
interface Series<T> {
  readonly labels: string;
  readonly values: readonly string[];
  readonly value: T;
}

/** A metric name's header lines and its series. */
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

/** One series of a histogram. The last bucket counts what is above all bounds. */
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

/** As Go's ParseFloat reads it. */
function formatNumber(value: number): string {
  return Math.abs(value) === Infinity ? (value > 0 ? "+Inf" : "-Inf") : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
