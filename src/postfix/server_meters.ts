/**
 * What the socketmap server counts.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";

/** The counters of a server; the connections open, and what became of them. */
export type ServerMeters = ReturnType<typeof createServerMeters>;

/** Declares the counters. */
export function createServerMeters(metrics: Metrics) {
  const errors = metrics.counter(
    "mta_sts_connection_errors_total",
    "Socketmap connections that failed, failed accepts and failed requests, by reason.",
    ["reason"],
  );
  return {
    open: metrics.gauge("mta_sts_connections", "Open socketmap connections.").cell(),
    accepted: metrics.counter("mta_sts_connections_total", "Socketmap connections served.").cell(),
    errors: {
      accept: errors.cell("accept"),
      displaced: errors.cell("displaced"),
      frame: errors.cell("frame"),
      handler: errors.cell("handler"),
      reset: errors.cell("reset"),
      stalled: errors.cell("stalled"),
    },
  };
}
