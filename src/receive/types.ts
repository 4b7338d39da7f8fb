/**
 * What a domain owner keeps of the TLS reports that others send (RFC 8460), and how it is asked for.
 *
 * Three values go through this folder: an {@link Arrival} is octets that came by some way, an {@link Admission} is what
 * `admission.ts` believes of them, and the {@link ReceivedStore} keeps what was admitted. Counts live longer than the
 * reports they come from.
 *
 * Times are ms since the epoch, days are UTC days written `YYYY-MM-DD`. Texts come from strangers: printable, cut, and
 * still to be escaped or quoted wherever they are shown.
 *
 * @module
 */

import type { Deviation } from "../tlsrpt/deviation.ts";
import type { ReceivedPolicy, ReceivedRange } from "../tlsrpt/received.ts";
import type { ResultType } from "../tlsrpt/result_type.ts";

/** How a report came: `file` is one that the operator named. */
export type Way = "mail" | "https" | "file";

/**
 * What is known of who sent a report. `dkim`: signed by the domain of the submitter (RFC 8460 §3). `unsigned`: not a
 * mail, so nobody can say (HTTPS, a bare JSON file).
 */
export type Authentication = "dkim" | "unsigned";

/** Octets that may hold a report: a mail, gzip or JSON. */
export interface Arrival {
  readonly octets: Uint8Array;
  readonly way: Way;
  /** When they came, ms. */
  readonly at: number;
  /** A file name that may say which domain it is about. */
  readonly fileName?: string;
}

/** Why nothing of an arrival is believed; the list is closed, and each word is a label of a metric. */
export type Refusal =
  /** No mail, no report, too large, too deep: see the text. */
  | "unreadable"
  /** A mail without a valid, aligned DKIM signature. */
  | "unsigned"
  /** An unsigned report, where the configuration takes none. */
  | "unsigned-refused"
  /** It has no policy of a domain of ours. */
  | "foreign"
  /** It has no submitter, id or range to keep it by. */
  | "unidentified"
  /** The time that it is about is in the future, or before what is kept. */
  | "out-of-range"
  /** The submitter sends more reports a day than anybody needs. */
  | "too-many";

/** A report that is believed, as far as it concerns domains of ours. */
export interface AdmittedReport {
  /** The domain that answers for it: that of the signature, else of `contact-info`. Lower-case A-labels. */
  readonly submitter: string;
  readonly organization: string | undefined;
  readonly contact: string | undefined;
  readonly reportId: string;
  readonly range: ReceivedRange;
  readonly authentication: Authentication;
  readonly way: Way;
  /** When it came, ms. */
  readonly receivedAt: number;
  /** The policies of domains of ours, each with that domain. */
  readonly policies: readonly AdmittedPolicy[];
  /** Where it departs from RFC 8460. */
  readonly deviations: readonly Deviation[];
  /** The JSON of the report, gzipped, as it is kept. */
  readonly gzip: Uint8Array;
}

/** What became of sessions with a domain of ours. */
export interface AdmittedPolicy extends ReceivedPolicy {
  /** Which of `received.domains` it counts for. */
  readonly domain: string;
}

/** What was decided about an arrival. */
export type Admission =
  | { readonly kind: "admitted"; readonly report: AdmittedReport }
  | {
    readonly kind: "refused";
    readonly refusal: Refusal;
    /** Why, as the end of a sentence: printable, cut. */
    readonly text: string;
  };

/** What became of a report in the store. `changed`: the same id was there with other content; both are kept. */
export type Keeping = "kept" | "duplicate" | "changed" | "full";

/** The counts of one domain, day and submitter. */
export interface OutcomeRow {
  readonly domain: string;
  readonly day: string;
  readonly submitter: string;
  readonly policy: ReceivedPolicy["type"];
  readonly authentication: Authentication;
  readonly successful: number;
  readonly failed: number;
}

/** A failure, as one submitter saw it on one day. */
export interface ProblemRow {
  readonly domain: string;
  readonly day: string;
  readonly submitter: string;
  readonly authentication: Authentication;
  readonly result: ResultType | "unknown";
  /** The MX host, or empty when the report names none. */
  readonly mx: string;
  /** The sender's reason code, or empty. */
  readonly reason: string;
  /** The network of the sending host (/24, /48), or empty. */
  readonly network: string;
  readonly count: number;
}

/** A kept report, without its body. */
export interface KeptReport {
  readonly id: number;
  readonly submitter: string;
  readonly organization: string | undefined;
  readonly contact: string | undefined;
  readonly reportId: string;
  readonly range: ReceivedRange;
  readonly authentication: Authentication;
  readonly way: Way;
  readonly receivedAt: number;
  /** Words of `tlsrpt/deviation.ts`. */
  readonly deviations: readonly string[];
}

/** Which rows are wanted: from the day `since` to `until`, both included, of one domain or of all. */
export interface RowQuery {
  readonly since: string;
  readonly until: string;
  readonly domain?: string;
}

/** What is read of the store: by pages, metrics, `report summary` and `publish`. No call throws for a bad row. */
export interface ReceivedView {
  /** Counts, in the order of domain, day and submitter. */
  outcomes(query: RowQuery): OutcomeRow[];
  /** Failures, in the same order. */
  problems(query: RowQuery): ProblemRow[];
  /** The latest reports about a domain, at most `limit`. */
  reports(domain: string, limit: number): KeptReport[];
  /** The last day on which anything was reported of a domain, and the first; `undefined` if nothing was. */
  days(domain: string): { readonly first: string; readonly last: string } | undefined;
}

/** The store of received reports. */
export interface ReceivedStore extends ReceivedView {
  /** Keeps a report, in one transaction. A fault of the file is a `full`, logged and counted. */
  add(report: AdmittedReport): Keeping;
  /** Drops bodies and counts that are older than they are kept. */
  prune(now: number): void;
  close(): void;
}
