/**
 * Sends the report daemon what only the resolver knows: lines over a UNIX stream, a batch every few seconds.
 *
 * No answer waits for any of it. Noting an event adds to sums in memory, whose number is bounded; one batch at a time is
 * written in the background. If the daemon is away or stopped, what finds no room is dropped, and the loss is counted.
 * (Datagrams would not do: the runtime burns a processor when the queue of a UNIX datagram socket is full.)
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { tryClose, writeAll } from "../base/connection.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import type { Metrics } from "../base/metrics.ts";
import { withDeadline } from "../base/wait.ts";
import type { ResolverEvent } from "../resolver/types.ts";
import type { DomainCount } from "../tlsrpt/session.ts";
import { formatFeedLine } from "./feed.ts";
import { createResolverCounts } from "./resolver_counts.ts";
import { Sums } from "./sums.ts";

/** Between two batches, ms. */
const BATCH_MS = 5000;

/** Keys held, some 300 octets each. */
const MAX_KEYS = 10_000;

/** Domains for which the reason of a missing policy is remembered. */
const MAX_DOMAINS = 10_000;

/** Octets of one write: what a socket usually takes at once. */
const WRITE_OCTETS = 64 * 1024;

/** A write that takes longer than this, ms, has no reader. */
const WRITE_MS = 10_000;

/** A connection; a `Deno.Conn` is one. */
export type OutletConn = Pick<Deno.Conn, "write" | "close">;

/** Options of {@link startOutlet}. */
export interface OutletOptions {
  /** Connects to the report daemon. */
  readonly connect: () => Promise<OutletConn>;
  /** Times batches and writes. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Where losses are counted. */
  readonly metrics: Metrics;
}

/** A running outlet. */
export interface Outlet {
  /** Notes an event. Never throws, never waits. */
  note(event: ResolverEvent): void;
  /** Ends it; what is not written yet is lost. */
  close(): void;
}

/** Starts the outlet. It connects only when there is something to send. */
export function startOutlet({ connect, clock, metrics }: OutletOptions): Outlet {
  const dropped = metrics.counter(
    "mta_sts_report_feed_dropped_total",
    "Failures that never reached the report daemon, because it was away or stopped.",
  ).cell();
  const countOf = createResolverCounts(new GenerationalMap(MAX_DOMAINS));
  const sums = new Sums();
  const add = (count: DomainCount) => dropped.value += sums.add(count, MAX_KEYS - sums.size);
  let conn: OutletConn | undefined;
  let isClosed = false;
  let cancel = clock.setTimer(onTimer, BATCH_MS);

  function onTimer(): void {
    tell().finally(() => {
      if (!isClosed) cancel = clock.setTimer(onTimer, BATCH_MS);
    });
  }

  /** Never rejects. */
  async function tell(): Promise<void> {
    if (sums.size === 0) return;
    try {
      conn ??= await connect();
    } catch {
      return;
    }
    if (isClosed) return tryClose(conn);
    const batch = sums.take(Infinity);
    const outcome = await writeBatch(conn, { batch, clock });
    if (outcome === "written") return;
    tryClose(conn);
    conn = undefined;
    if (outcome === "lost") dropped.value += countKeys(batch);
    else for (const count of batch) add(count);
  }

  return {
    note(event): void {
      const count = countOf(event);
      if (count !== undefined) add(count);
    },
    close(): void {
      isClosed = true;
      cancel();
      if (conn !== undefined) tryClose(conn);
    },
  };
}

/** Policies, and failures under them. */
function countKeys(batch: readonly DomainCount[]): number {
  const policies = batch.flatMap(({ policies }) => policies);
  return policies.reduce((sum, { details }) => sum + 1 + details.length, 0);
}

/**
 * Writes a batch, in time.
 *
 * @returns `untouched` if nothing was taken, as by a report daemon that was restarted. Lines that were written are not
 * sent again.
 */
async function writeBatch(
  to: OutletConn,
  { batch, clock }: { batch: readonly DomainCount[]; clock: OutletOptions["clock"] },
): Promise<"written" | "untouched" | "lost"> {
  const encoder = new TextEncoder();
  let text = "";
  let isTouched = false;
  const noting = {
    async write(bytes: Uint8Array): Promise<number> {
      const length = await to.write(bytes);
      isTouched = true;
      return length;
    },
  };
  const write = async () => {
    const writing = writeAll(noting, encoder.encode(text)).then(() => true);
    text = "";
    return await withDeadline(writing, { ms: WRITE_MS, clock }) ?? false;
  };
  try {
    for (const count of batch) {
      text += formatFeedLine(count);
      if (text.length >= WRITE_OCTETS && !await write()) return "lost";
    }
    return text === "" || await write() ? "written" : "lost";
  } catch {
    return isTouched ? "lost" : "untouched";
  }
}
