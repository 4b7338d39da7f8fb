/**
 * What the socketmap server counts.
 *
 * @module
 */

import type { Cell, Metrics } from "../base/metrics.ts";
import type { ConnectionFault } from "./connection.ts";

/** The counters of a server; the connections open, and what became of them. */
export interface ServerMeters {
  /** Connections open now. */
  readonly open: Cell;
  /** Connections accepted since the start. */
  readonly accepted: Cell;
  /** Connections that ended with a fault, failed accepts, and requests over which the handler threw. */
  readonly errors: Readonly<Record<ConnectionFault | "accept" | "handler", Cell>>;
}

/** Declares the counters. */
export function createServerMeters(metrics: Metrics): ServerMeters {
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
