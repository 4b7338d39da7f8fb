/**
 * Counts entries that are refused, by reason, and warns of those that should not occur in a well-configured fleet.
 *
 * @module
 */

import type { Cell, Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";
import type { Reading } from "./read_entry.ts";
import type { RefusalReason } from "./status.ts";

/** All reasons, and whether the operator should look: the others happen in a fleet that does well. */
const REASONS: Readonly<Record<RefusalReason, { readonly isFault: boolean }>> = {
  size: { isFault: true },
  form: { isFault: true },
  signature: { isFault: true },
  unsigned: { isFault: true },
  version: { isFault: false },
  name: { isFault: true },
  settings: { isFault: true },
  policy: { isFault: true },
  expired: { isFault: false },
  future: { isFault: true },
  purged: { isFault: false },
};

/** Refusals since the start. */
export class Refusals {
  readonly #cells: Readonly<Record<RefusalReason, Cell>>;
  readonly #start: Readonly<Record<RefusalReason, number>>;
  readonly #warnings: Warnings;

  /** Declares the metric; every reason is there from the start, at 0. */
  constructor({ metrics, warnings }: { readonly metrics: Metrics; readonly warnings: Warnings }) {
    const counter = metrics.counter(
      "mta_sts_shared_refused_total",
      "Entries of the shared cache that counted as absent, by reason.",
      ["reason"],
    );
    this.#cells = mapReasons((reason) => counter.cell(reason));
    this.#start = mapReasons((reason) => this.#cells[reason].value);
    this.#warnings = warnings;
  }

  /** Counts by reason since this was created. */
  counts(): Readonly<Record<RefusalReason, number>> {
    return mapReasons((reason) => this.#cells[reason].value - this.#start[reason]);
  }

  /** Counts one. @param name The domain that was asked for; `undefined` for news. */
  count(reason: RefusalReason, name: string | undefined): void {
    this.#cells[reason].value++;
    if (!REASONS[reason].isFault) return;
    this.#warnings.warn(`shared ${reason}`, "entry of the shared cache refused", {
      reason,
      domain: name,
    });
  }

  /** Passes on what was read; counts it and returns `undefined` if it was refused. */
  sift(
    reading: Reading,
    name: string | undefined,
  ): Exclude<Reading, { kind: "refused" }> | undefined {
    if (reading.kind !== "refused") return reading;
    this.count(reading.reason, name);
    return undefined;
  }
}

function mapReasons<T>(make: (reason: RefusalReason) => T): Record<RefusalReason, T> {
  const reasons = Object.keys(REASONS) as RefusalReason[];
  return Object.fromEntries(reasons.map((reason) => [reason, make(reason)])) as Record<
    RefusalReason,
    T
  >;
}
