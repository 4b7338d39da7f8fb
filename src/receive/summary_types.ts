/**
 * What received reports say about one domain, in the form that pages, metrics, `report summary` and `publish` show.
 *
 * Names of senders, MX hosts and reasons were written by strangers: printable and cut, still to be escaped or quoted.
 * Days are UTC, `YYYY-MM-DD`.
 *
 * @module
 */

import type { Explanation } from "../tlsrpt/advice.ts";
import type { Authentication, OutcomeRow, ProblemRow } from "./types.ts";

/** Sessions. */
export interface Sums {
  /** Those that were as secure as the policy wants. */
  readonly successful: number;
  /** Those that were not, or never began because of that. */
  readonly failed: number;
}

/** One sender in the days of a summary. A sender with signed and unsigned reports is there twice. */
export interface SenderSummary extends Sums {
  /** The domain that sent the reports. */
  readonly submitter: string;
  /** `unsigned`: anybody may have written them. */
  readonly authentication: Authentication;
  /** Whether it could not deliver securely: it counts failed sessions, or names a failure. */
  readonly hasFailed: boolean;
  /** The last day that it reported. */
  readonly last: string;
}

/** A problem as one sender saw it. */
export interface ProblemSender {
  /** As in {@link SenderSummary}. */
  readonly submitter: string;
  /** As in {@link SenderSummary}. */
  readonly authentication: Authentication;
  /** Sessions in the days of the summary. */
  readonly count: number;
  /** The first day of this row of days; it may be before those of the summary. */
  readonly since: string;
  /** The last day. */
  readonly last: string;
  /** It is on the last day that the sender reported, and was on none before; old news is not new. */
  readonly isNew: boolean;
}

/** A kind of failure at one MX host. */
export interface ProblemSummary {
  /** What failed. */
  readonly result: ProblemRow["result"];
  /** The MX host; empty if the reports name none. */
  readonly mx: string;
  /** The reasons that senders gave, the most frequent first, bounded. */
  readonly reasons: readonly string[];
  /** What it means, and where `check` has the remedy. `<domain>` in a text stands for the domain. */
  readonly explanation: Explanation;
  /** Sessions in the days of the summary. Those of several problems may overlap (RFC 8460 §4). */
  readonly count: number;
  /** Who saw it, the most sessions first. */
  readonly senders: readonly ProblemSender[];
  /** The first day of any sender. */
  readonly since: string;
  /** The last day of any sender. */
  readonly last: string;
  /** At least one sender is new: it did not fail in this way before. */
  readonly isNew: boolean;
  /** No signed report names it. */
  readonly isUnsigned: boolean;
}

/** One day, for a chart. */
export interface DaySums extends Sums {
  /** The day. */
  readonly day: string;
  /** Senders that reported. */
  readonly senders: number;
}

/** What is known of a domain. */
export interface DomainSummary {
  /** One of `received.domains`. */
  readonly domain: string;
  /** The first day. */
  readonly since: string;
  /** The last day. */
  readonly until: string;
  /** In one word. */
  readonly verdict: "nothing-reported" | "secure" | "failures";
  /** Who reported, the most failed sessions first, then the most sessions. */
  readonly senders: readonly SenderSummary[];
  /** How many of them could not deliver securely. */
  readonly failing: number;
  /** How many of them are unsigned. */
  readonly unsigned: number;
  /** Sessions of all senders. */
  readonly sessions: Sums;
  /** Sessions of those alone whose reports are signed. */
  readonly signed: Sums;
  /** Sessions by the kind of policy that the senders saw; kinds that nobody saw are left out. */
  readonly policies: readonly (Sums & { readonly policy: OutcomeRow["policy"] })[];
  /** What failed, the most sessions first. */
  readonly problems: readonly ProblemSummary[];
  /** Each day from `since` to `until`, oldest first, also those without a report. */
  readonly days: readonly DaySums[];
}

/** What a summary is made of. */
export interface SummaryRows {
  /** As the store lists them; rows before the first day count for nothing. */
  readonly outcomes: readonly OutcomeRow[];
  /** As the store lists them, with those of some weeks before the first day. */
  readonly problems: readonly ProblemRow[];
}

/** Of what and when a summary is. */
export interface SummaryOptions {
  /** The domain. */
  readonly domain: string;
  /** The first day. Earlier rows say since when something fails, and count for nothing else. */
  readonly since: string;
  /** The last day. */
  readonly until: string;
}
