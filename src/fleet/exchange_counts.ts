/**
 * The metrics of an exchange, `mta_sts_shared_…`; claims and refusals declare their own.
 *
 * @module
 */

import type { Cell, Histogram, Metrics } from "../base/metrics.ts";
import type { FleetStatus } from "./status.ts";

/** Upper bounds of a call, seconds: on loopback, in a site, between sites, at the deadline. */
const CALL_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2];

/** What the exchange counts. */
export interface ExchangeCounts {
  /** Questions by result. */
  readonly lookups: Readonly<Record<"hit" | "miss" | "late" | "skipped", Cell>>;
  /** Entries that the engine took. */
  readonly published: Cell;
  /** Duration of calls. */
  readonly seconds: Histogram;
}

/** Declares them. @param read The state, when the metrics are scraped. */
export function declareCounts(metrics: Metrics, read: () => FleetStatus): ExchangeCounts {
  const lookups = metrics.counter(
    "mta_sts_shared_lookups_total",
    "Questions to the shared cache, by result.",
    ["result"],
  );
  const published = metrics.counter(
    "mta_sts_shared_published_total",
    "Entries of this host that the shared cache accepted.",
  ).cell();
  const isUp = () => ["up", "refusing"].includes(read().state);
  metrics.gaugeFn(
    "mta_sts_shared_up",
    "1 if the shared cache's engine answers, else 0.",
    () => isUp() ? 1 : 0,
  );
  metrics.gaugeFn(
    "mta_sts_shared_outbox_entries",
    "Entries that wait to be sent to the shared cache.",
    () => read().outbox.entries,
  );
  metrics.gaugeFn(
    "mta_sts_shared_hosts",
    "Other hosts of the fleet seen in the last 30 seconds.",
    () => read().hosts.length,
  );
  metrics.gaugeFn(
    "mta_sts_shared_clock_offset_seconds",
    "How far the clock of the shared cache's engine is ahead of this host's.",
    () => (read().offset ?? 0) / 1000,
  );
  const seconds = metrics.histogram(
    "mta_sts_shared_call_seconds",
    "How long calls to the shared cache's engine took, late ones included.",
    CALL_BOUNDS,
    ["call"],
  );
  const [hit, miss] = [lookups.cell("hit"), lookups.cell("miss")];
  const counted = { hit, miss, late: lookups.cell("late"), skipped: lookups.cell("skipped") };
  return { lookups: counted, published, seconds };
}
