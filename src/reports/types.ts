/**
 * What the deliverer needs from the store of reports: which are due, what they say, and how their deliveries ended.
 *
 * @module
 */

import type { Report } from "../tlsrpt/report.ts";

/** The report of a domain and day on its way to one destination. */
export interface DeliveryRow {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** The domain that the report is for. */
  readonly domain: string;
  /** Where it goes, as published. */
  readonly uri: string;
  /** `refused` by the other side for good; `expired` because it was not accepted in time. */
  readonly state: "due" | "sent" | "refused" | "expired";
  /** Tries so far. */
  readonly attempts: number;
  /** When the first try was due, ms since the epoch. */
  readonly firstAt: number;
  /** When the next try is due, ms since the epoch. */
  readonly dueAt: number;
  /** Why the last try failed. */
  readonly error: string | undefined;
}

/** A report whose time has come. */
export interface DueReport {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** The domain that the report is for. */
  readonly domain: string;
  /** `undefined` if the destinations are not known yet. */
  readonly uri: string | undefined;
  /** Tries so far. */
  readonly attempts: number;
  /** When the first try was due, ms since the epoch. */
  readonly firstAt: number;
}

/** What became of a try. */
export type DeliveryOutcome =
  | { readonly state: "sent" }
  | { readonly state: "refused" | "expired"; readonly error: string }
  | { readonly state: "due"; readonly dueAt: number; readonly error: string };

/** The report of a domain and day, as counted. */
export interface CountedReport {
  /** The report. */
  readonly report: Report;
  /** The TLSRPT record that Postfix saw. */
  readonly record: string | undefined;
  /** Sessions under all policies. */
  readonly sessions: { readonly ok: number; readonly failed: number };
}

/** The queue of deliveries. Methods that write may throw what the file throws. */
export interface DeliveryQueue {
  /**
   * Domains of closed days whose destinations are not known yet and whose time has come, and deliveries that
   * are due; oldest first.
   */
  due(now: number, limit: number): readonly DueReport[];
  /** Replaces the row without a URI by one row for each destination, or ends it (no record any more). */
  plan(day: number, domain: string, uris: readonly string[], now: number): void;
  /** Ends or postpones one delivery. */
  settle(row: { day: number; domain: string; uri: string }, outcome: DeliveryOutcome): void;
  /**
   * The report of a domain and day as counted; `undefined` if nothing was counted. The same octets each time
   * once the day is closed.
   */
  report(day: number, domain: string): CountedReport | undefined;
  /** Report mails that we sent on a day to addresses at a domain. */
  mailsTo(day: number, domain: string): number;
}
