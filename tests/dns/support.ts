/**
 * A client of fake servers, with what it logs and counts in the test's hands.
 *
 * @module
 */

import { createDnsClient } from "../../src/dns/client.ts";
import type { DnsClientOptions } from "../../src/dns/client.ts";
import type { DnsClient } from "../../src/dns/types.ts";
import { createMetrics } from "../../src/monitor/metrics.ts";
import type { Log, LogLevel, LogValue } from "../../src/monitor/types.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A log that keeps `level event` and the fields of each line. */
export interface KeptLog extends Log {
  readonly lines: { readonly event: string; readonly fields: Record<string, LogValue> }[];
}

/** Creates the log; `debug` lines are not written, as in operation. */
export function createKeptLog(): KeptLog {
  const lines: KeptLog["lines"] = [];
  const write = (level: LogLevel) => (event: string, fields: Record<string, LogValue> = {}) => {
    lines.push({ event: `${level} ${event}`, fields });
  };
  return {
    lines,
    debug: () => {},
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    enabled: (level) => level !== "debug",
  };
}

/** The client under test. */
export interface TestClient extends DnsClient, Disposable {
  readonly clock: ManualClock;
  readonly log: KeptLog;
  /** The value of a metric by its name and labels as they are printed, such as `x_total{type="A"}`. */
  metric(series: string): string | undefined;
}

/** Creates a client with 5 s for a question; it is closed at the end of the scope. */
export function createTestClient(
  servers: readonly { readonly address: string }[],
  options: Partial<DnsClientOptions> = {},
): TestClient {
  const clock = new ManualClock();
  const log = createKeptLog();
  const metrics = createMetrics();
  const client = createDnsClient({
    servers: servers.map(({ address }) => address),
    timeout: 5000,
    dnssecProbe: "ns:.",
    clock,
    log,
    metrics,
    ...options,
  });
  return {
    ...client,
    clock,
    log,
    metric(series) {
      const line = metrics.render().split("\n").find((text) => text.startsWith(`${series} `));
      return line?.slice(series.length + 1);
    },
    [Symbol.dispose]: () => client.close(),
  };
}
