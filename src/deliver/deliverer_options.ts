/**
 * What the deliverer works with.
 *
 * @module
 */

import type { ProvenClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";
import type { DnsClient } from "../dns/types.ts";
import type { DeliveryQueue } from "../reports/types.ts";
import type { Attempt, PostOutcome } from "./attempt.ts";
import type { DestinationRules } from "./destinations.ts";
import type { ReportMail } from "./mailer.ts";

/** What the operator wants; see the section `report` of the configuration. */
export interface DeliverySettings extends DestinationRules {
  /** Reports a day to one mail domain or host. */
  readonly perDestination: number;
}

/** What `Deliverer` needs. */
export interface DelivererOptions {
  /** Methods may throw what the file throws; all is tried again later. */
  readonly queue: DeliveryQueue;
  /** Decides when a delivery is due, and which day is over. */
  readonly clock: ProvenClock;
  /** Where the end of each delivery is logged. */
  readonly log: Log;
  /** Where a destination with too many reports is warned of. */
  readonly warnings: Warnings;
  /** Where tries and domains without a report are counted. */
  readonly metrics: Metrics;
  /** Asked again and again; `undefined` as long as nothing is to be sent. */
  readonly settings: () => DeliverySettings | undefined;
  /** Looks up TLSRPT records (RFC 8460, 3). */
  readonly lookup: DnsClient["lookup"];
  /** Hands over a mail, one at a time. Never rejects. */
  readonly mail: (mail: ReportMail) => Promise<Attempt>;
  /** Posts a compressed report. Never rejects. */
  readonly post: (url: string, body: Uint8Array<ArrayBuffer>) => Promise<PostOutcome>;
  /** A number in [0, 1). */
  readonly random: () => number;
}
