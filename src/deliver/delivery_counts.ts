/**
 * Counters of deliveries.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";
import type { DeliveryRow } from "../reports/types.ts";
import { NO_REPORT, type NoReport } from "./planner.ts";

/** URI scheme of a destination; `none` stands for a URI that is not used, or a record that cannot be looked up. */
export type CountedScheme = "mailto" | "https" | "none";

const SCHEMES: readonly CountedScheme[] = ["mailto", "https", "none"];
const RESULTS: readonly DeliveryRow["state"][] = ["sent", "due", "refused", "expired"];

/** Where deliveries are counted. */
export interface DeliveryCounts {
  /** Counts a try that has ended, and the state that it left the delivery in. */
  settled(scheme: CountedScheme, state: DeliveryRow["state"]): void;
  /** Counts a domain that gets no report for a day. */
  unsent(reason: NoReport): void;
}

/** Declares the counters. */
export function countDeliveries(metrics: Metrics): DeliveryCounts {
  const deliveries = metrics.counter(
    "mta_sts_report_deliveries_total",
    "Tries to deliver a report, by URI scheme and result.",
    ["scheme", "result"],
  );
  for (const scheme of SCHEMES) for (const result of RESULTS) deliveries.cell(scheme, result);
  const unsent = metrics.counter(
    "mta_sts_report_unsent_total",
    "Domains that got no report for a day, by reason.",
    ["reason"],
  );
  for (const reason of NO_REPORT) unsent.cell(reason);
  return {
    settled: (scheme, state) => void deliveries.cell(scheme, state).value++,
    unsent: (reason) => void unsent.cell(reason).value++,
  };
}
