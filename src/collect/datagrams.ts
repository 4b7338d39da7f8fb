/**
 * Receives Postfix's datagrams and counts them. What cannot be read is counted by reason, and changes nothing else.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { GenerationalMap } from "../base/generational_map.ts";
import type { Metrics } from "../base/metrics.ts";
import { sleep } from "../base/wait.ts";
import type { Warnings } from "../base/warnings.ts";
import { DATAGRAM_FAULTS, DATAGRAM_MAX_OCTETS, readDatagram } from "../tlsrpt/datagram.ts";
import type { DomainCount } from "../tlsrpt/session.ts";
import type { DatagramSource } from "./datagram_socket.ts";

/** Pause after a failed receive, ms: the next may fail just as fast. */
const RETRY_MS = 1000;

/** Datagrams remembered, some 3 KB each. */
const MAX_KNOWN = 4000;

/** What {@link collectDatagrams} works with. */
export interface DatagramOptions {
  /** Where they come from. */
  readonly source: DatagramSource;
  /** Takes what they say. */
  readonly add: (count: DomainCount) => void;
  /** Where they are counted. */
  readonly metrics: Metrics;
  /** Ends the pause after a failure. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Where odd ones are reported. */
  readonly warnings: Pick<Warnings, "warn">;
}

/** Receives until the source is closed. Never rejects. */
export async function collectDatagrams(options: DatagramOptions): Promise<void> {
  const { source, add, warnings } = options;
  const results = options.metrics.counter(
    "mta_sts_report_datagrams_total",
    "Datagrams from Postfix, by result.",
    ["result"],
  );
  for (const fault of DATAGRAM_FAULTS) results.cell(fault);
  const counted = results.cell("counted");
  // One octet more than is accepted, so that a datagram that was cut off shows.
  const buffer = new Uint8Array(DATAGRAM_MAX_OCTETS + 1);
  const known = new GenerationalMap<DomainCount>(MAX_KNOWN);
  for (;;) {
    let octets: Uint8Array | undefined;
    try {
      octets = await source.receive(buffer);
    } catch (error) {
      warnings.warn("datagrams", "cannot receive datagrams", { error: String(error) });
      await sleep(RETRY_MS, options.clock);
      continue;
    }
    if (octets === undefined) return;
    const reading = readDatagram(octets, known);
    if (reading.kind === "read") {
      counted.value++;
      add(reading.count);
    } else {
      results.cell(reading.fault).value++;
      warnings.warn(`datagram ${reading.fault}`, "datagram not counted", {
        reason: reading.fault,
        octets: octets.length,
      });
    }
  }
}
