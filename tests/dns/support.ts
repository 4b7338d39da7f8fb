/**
 * A DNS client of fake servers. The test moves its clock and reads its log and its metrics.
 *
 * @module
 */

import { createDnsClient } from "../../src/dns/client.ts";
import type { DnsClientOptions } from "../../src/dns/client.ts";
import type { DnsClient } from "../../src/dns/types.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import type { Log, LogLevel, LogValue } from "../../src/base/log.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A log that keeps each line: `level event` and the fields. */
export interface KeptLog extends Log {
  readonly lines: { readonly event: string; readonly fields: Record<string, LogValue> }[];
}

/** Creates the log. It drops `debug` lines, as in operation. */
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
  /** Lets time pass until a promise settles: 50 ms at a time, with turns of the event loop between for the network. */
  until<T>(something: Promise<T>): Promise<T>;
  /** The value of a metric, by name and labels as they are printed, such as `x_total{type="A"}`. */
  metric(series: string): string | undefined;
}

/** Creates a client with a limit of 5 s for a question. It is closed at the end of the scope. */
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
    until: (something) => passTime(clock, something),
    metric(series) {
      const line = metrics.render().split("\n").find((text) => text.startsWith(`${series} `));
      return line?.slice(series.length + 1);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** Clocks that a waiting test moves on. Only one may move each, or time would pass faster than packets. */
const driven = new WeakSet<ManualClock>();

/** Moves the clock on, with turns of the real event loop in between, until a promise settles. */
export async function passTime<T>(clock: ManualClock, something: Promise<T>): Promise<T> {
  let settled = false;
  let drives = false;
  const ended = something.finally(() => settled = true);
  ended.catch(() => {});
  while (!settled) {
    // Packets on loopback need real turns: a few, or some more on a busy machine.
    for (let turn = 0; turn < 10 && !settled; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    if (!drives && driven.has(clock)) continue;
    driven.add(clock);
    drives = true;
    if (!settled) await clock.advance(50);
  }
  if (drives) driven.delete(clock);
  return await ended;
}
