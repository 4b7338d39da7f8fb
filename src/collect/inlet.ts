/**
 * Receives what `serve` reports: lines over UNIX streams.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { tryClose } from "../base/connection.ts";
import type { Metrics } from "../base/metrics.ts";
import { sleep } from "../base/wait.ts";
import type { Warnings } from "../base/warnings.ts";
import type { DomainCount } from "../tlsrpt/session.ts";
import { LINE_MAX_OCTETS, readFeedLine } from "./feed.ts";

/** Connections at once: a resolver, its successor during a restart, and a few more. */
const MAX_CONNECTIONS = 16;

/** Pause after a failed accept, ms: out of file descriptors, the next may fail at once, too. */
const RETRY_MS = 1000;

const READ_OCTETS = 64 * 1024;

/** LF. */
const LINE_END = 0x0a;

/** A connection; a `Deno.Conn` is one. */
export interface FeedConn {
  /** Reads what is there. @returns `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Ends the connection. */
  close(): void;
}

/** What accepts connections. */
export interface FeedSource {
  /** Waits for the next one. Rejects once closed. */
  accept(): Promise<FeedConn>;
  /** Stops accepting. */
  close(): void;
}

/** What {@link serveInlet} works with. */
export interface InletOptions {
  /** Where connections come from. */
  readonly source: FeedSource;
  /** Takes what the lines say. */
  readonly add: (count: DomainCount) => void;
  /** Ends the pause after a failure. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Where lines are counted. */
  readonly metrics: Metrics;
  /** Where odd ones are reported. */
  readonly warnings: Pick<Warnings, "warn">;
}

/** Serves connections until it is closed. */
export function serveInlet(
  { source, add, clock, metrics, warnings }: InletOptions,
): { close(): void } {
  const take = createTaker({ add, metrics, warnings });
  const open = new Set<FeedConn>();
  let isClosed = false;

  async function serve(conn: FeedConn): Promise<void> {
    open.add(conn);
    try {
      await readLines(conn, take);
    } catch (error) {
      if (!isClosed) {
        warnings.warn("feed", "connection from the resolver ended", { error: String(error) });
      }
    } finally {
      open.delete(conn);
      tryClose(conn);
    }
  }

  async function acceptAll(): Promise<void> {
    while (!isClosed) {
      let conn: FeedConn;
      try {
        conn = await source.accept();
      } catch (error) {
        if (isClosed) return;
        warnings.warn("feed accept", "cannot accept the resolver", { error: String(error) });
        await sleep(RETRY_MS, clock);
        continue;
      }
      if (open.size >= MAX_CONNECTIONS) tryClose(conn);
      else serve(conn);
    }
  }

  acceptAll();
  return {
    close(): void {
      isClosed = true;
      source.close();
      for (const conn of open) tryClose(conn);
    },
  };
}

/** Creates what reads one line, counts it, and passes on what it says. */
function createTaker(
  { add, metrics, warnings }: Pick<InletOptions, "add" | "metrics" | "warnings">,
): (line: string) => void {
  const lines = metrics.counter(
    "mta_sts_report_feed_lines_total",
    "Lines from the resolver, by result.",
    ["result"],
  );
  const counted = lines.cell("counted");
  const refused = lines.cell("refused");
  return (line) => {
    const count = readFeedLine(line);
    if (count === undefined) {
      refused.value++;
      warnings.warn("feed", "line from the resolver not counted", { octets: line.length });
    } else {
      counted.value++;
      add(count);
    }
  };
}

/**
 * Reads lines to the end. A line without an end, as a killed writer leaves it, does not count.
 *
 * @throws {RangeError} For a line that is too long.
 */
async function readLines(conn: FeedConn, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const buffer = new Uint8Array(READ_OCTETS);
  let parts: Uint8Array[] = [];
  let held = 0;
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) return;
    let from = 0;
    for (;;) {
      const end = buffer.subarray(0, length).indexOf(LINE_END, from);
      if (end === -1) break;
      parts.push(buffer.subarray(from, end));
      take(decoder.decode(concat(parts)));
      parts = [];
      held = 0;
      from = end + 1;
    }
    held += length - from;
    if (held > LINE_MAX_OCTETS) throw new RangeError("a line is too long");
    if (length > from) parts.push(buffer.slice(from, length));
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
