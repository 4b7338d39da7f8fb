/**
 * What the daemon reports to the service manager: that it is ready, reloads or stops, its status, and
 * keep-alives. A keep-alive is sent only while every socket that Postfix may use answers.
 *
 * @module
 */

import type { PolicyLists } from "../cache/types.ts";
import { type Endpoint, formatEndpoint } from "../base/address.ts";
import type { Notifier } from "./sd_notify.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";
import { startWatchdog } from "./watchdog.ts";
import { querySocketmap } from "../postfix/client.ts";
import { NOTFOUND_REPLY } from "../postfix/socketmap.ts";
import type { Clock } from "../base/clock.ts";

/** The status is for people who look now and then: it is sent at most this often, ms. */
const STATUS_INTERVAL_MS = 60_000;

/** A parent domain: the reply is always NOTFOUND, without a lookup (RFC 8461 §3.4). */
const KEY = ".invalid";

/** What {@link startSupervision} works with. */
export interface SupervisionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly warnings: Warnings;
  readonly metrics: Pick<Metrics, "samples">;
  readonly store: Pick<PolicyLists, "count">;
  readonly notifier: Notifier;
  /** The service manager expects a keep-alive within this time, ms; `undefined` if it expects none. */
  readonly watchdog: number | undefined;
  /** The sockets of the daemon that can be queried. */
  readonly addresses: () => readonly Endpoint[];
  /** Whether the connection limit is reached, which explains why another connection waits. */
  readonly full: () => boolean;
}

/** Reports changes in the daemon's state. */
export interface Supervision {
  /** A reload has ended. */
  ready(): void;
  /** A reload begins. */
  reloading(): void;
  /** The daemon stops; nothing is reported after that. */
  stop(): void;
}

/** Reports that the daemon is ready, and from then on its status. */
export function startSupervision(options: SupervisionOptions): Supervision {
  const { clock, notifier, watchdog } = options;
  let status = describe(options);
  let cancelStatus = clock.setTimer(sendStatus, STATUS_INTERVAL_MS);
  const stopWatchdog = watchdog === undefined ? undefined : startWatchdog({
    clock,
    timeout: watchdog,
    works: (patience) => works(options, patience),
    feed: () => notifier.send("WATCHDOG=1"),
  });
  notifier.send("READY=1", `STATUS=${status}`);

  function sendStatus(): void {
    cancelStatus = clock.setTimer(sendStatus, STATUS_INTERVAL_MS);
    const before = status;
    status = describe(options);
    if (status !== before) notifier.send(`STATUS=${status}`);
  }

  return {
    ready: () => void notifier.send("READY=1"),
    reloading: () => void notifier.send("RELOADING=1"),
    stop(): void {
      cancelStatus();
      stopWatchdog?.();
      // With a keep-alive, because received queries are still answered, until the shutdown timeout.
      notifier.send("STOPPING=1", "STATUS=Answering the queries received", "WATCHDOG=1");
      notifier.close();
    },
  };
}

function describe({ metrics, store }: SupervisionOptions): string {
  const queries = metrics.samples("mta_sts_queries_total")
    .reduce((sum, { value }) => sum + value, 0);
  return `${queries} queries answered, ${store.count()} policies cached`;
}

async function works(options: SupervisionOptions, patience: number): Promise<boolean> {
  if (options.full()) return true;
  const asked = options.addresses().map((address) => answers(address, { ...options, patience }));
  return (await Promise.all(asked)).every((answered) => answered);
}

/** Queries the daemon itself, as Postfix does. A socket that we may not open counts as working. */
async function answers(
  address: Endpoint,
  { log, warnings, patience }: Pick<SupervisionOptions, "log" | "warnings"> & { patience: number },
): Promise<boolean> {
  const name = formatEndpoint(address);
  try {
    const [reply] = await querySocketmap(address, "watchdog", [KEY], { timeout: patience });
    if (reply === NOTFOUND_REPLY) return true;
    log.error("own socket gives a wrong answer", { address: name, reply });
    return false;
  } catch (error) {
    if (error instanceof Error && error.cause instanceof Deno.errors.PermissionDenied) {
      warnings.warn(`watchdog ${name}`, "own socket may not be queried", { address: name });
      return true;
    }
    log.error("own socket does not answer", { reason: String(error) });
    return false;
  }
}
