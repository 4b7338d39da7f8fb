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
  /** As they came. */
  readonly octets: Uint8Array;
  /** How it came. */
  readonly way: Way;
  /** When they came, ms: a mail, when it was delivered. Signatures are judged by this time. */
  readonly at: number;
  /** A file name that may say which domain it is about. */
  readonly fileName?: string;
  /** Since when this process tries to decide about it, ms; not there at the first try. */
  readonly triedSince?: number;
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
  /** Who reports, as the report says. */
  readonly organization: string | undefined;
  /** A mail address of who reports, as the report says. */
  readonly contact: string | undefined;
  /** As the report says. */
  readonly reportId: string;
  /** The time that it is about. */
  readonly range: ReceivedRange;
  /** What is known of who sent it. */
  readonly authentication: Authentication;
  /** How it came. */
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
export interface AdmittedPolicy extends Omit<ReceivedPolicy, "domain"> {
  /** Which entry of `received.domains` it counts for, as configured: `example.com`, or `*.example.com`. */
  readonly domain: string;
  /** The domain of the policy: below that entry, or an MX host (`tlsa`). Not where to count: strangers choose it. */
  readonly policyDomain: string;
}

/** What was decided about an arrival. */
export type Admission =
  | { readonly kind: "admitted"; readonly report: AdmittedReport }
  | {
    readonly kind: "refused";
    readonly refusal: Refusal;
    /** Why, as the end of a sentence: printable, cut. */
    readonly text: string;
  }
  | {
    /** DNS does not give the key of the signature now: it is to be tried again, and refused after some days. */
    readonly kind: "later";
    /** Why, as the end of a sentence: printable, cut. */
    readonly text: string;
  };

/** Of what {@link ReceivedStore.arrivals} says how much came. */
export interface ArrivalQuery {
  /** As in {@link AdmittedReport}. */
  readonly submitter: string;
  /** Entries of `received.domains`. */
  readonly domains: readonly string[];
  /** A time of the UTC day, ms. */
  readonly at: number;
}

/** What came on a day by mail and HTTPS, also what was there already. */
export interface ArrivalLoad {
  /** Reports of the submitter. */
  readonly ofSubmitter: number;
  /** Unsigned reports, about whatever domain of ours. */
  readonly unsigned: number;
  /** Unsigned reports about that of the domains which has the most. */
  readonly unsignedOfDomain: number;
  /** No signed report of the submitter was seen yet, on any day. */
  readonly isNew: boolean;
  /** Submitters whose first signed report was that day. */
  readonly newSenders: number;
}

/**
 * What became of a report in the store. `duplicate`: it was there, though perhaps unsigned until now. `changed`: the
 * same id was there with other content; both are kept, one counts (see `keep_report.ts`). `full`: neither kept nor
 * counted.
 */
export type Keeping = "kept" | "duplicate" | "changed" | "full";

/** The counts of one domain, day and submitter. */
export interface OutcomeRow {
  /** An entry of `received.domains`. */
  readonly domain: string;
  /** The UTC day that it counts for. */
  readonly day: string;
  /** The domain that answers for it. */
  readonly submitter: string;
  /** The kind of policy. */
  readonly policy: ReceivedPolicy["type"];
  /** What is known of who sent it. */
  readonly authentication: Authentication;
  /** Sessions that succeeded. */
  readonly successful: number;
  /** Sessions that failed. */
  readonly failed: number;
}

/** A failure, as one submitter saw it on one day. */
export interface ProblemRow {
  /** An entry of `received.domains`. */
  readonly domain: string;
  /** The UTC day that it counts for. */
  readonly day: string;
  /** The domain that answers for it. */
  readonly submitter: string;
  /** What is known of who sent it. */
  readonly authentication: Authentication;
  /** What failed. */
  readonly result: ResultType | "unknown";
  /** The MX host, or empty when the report names none. */
  readonly mx: string;
  /** The sender's reason code, or empty. */
  readonly reason: string;
  /** The network of the sending host (/24, /48), or empty. */
  readonly network: string;
  /** How many sessions it met. */
  readonly count: number;
}

/** A kept report, without its body. */
export interface KeptReport {
  /** Its number in the store. */
  readonly id: number;
  /** The domain that answers for it. */
  readonly submitter: string;
  /** Who reports, as the report says. */
  readonly organization: string | undefined;
  /** A mail address of who reports, as the report says. */
  readonly contact: string | undefined;
  /** As the report says. */
  readonly reportId: string;
  /** The time that it is about. */
  readonly range: ReceivedRange;
  /** What is known of who sent it. */
  readonly authentication: Authentication;
  /** How it came. */
  readonly way: Way;
  /** When it came, ms. */
  readonly receivedAt: number;
  /** Words of `tlsrpt/deviation.ts`. */
  readonly deviations: readonly string[];
  /** Its id was used for other content, too. */
  readonly changed: boolean;
  /** Whether its counts are in the sums; those of another with its id are if not. */
  readonly counts: boolean;
}

/** Which rows are wanted: from the day `since` to `until`, both included, of one domain or of all. */
export interface RowQuery {
  /** The first day. */
  readonly since: string;
  /** The last day. */
  readonly until: string;
  /** An entry of `received.domains`; all of them without it. */
  readonly domain?: string;
}

/**
 * What is read of the store: by pages, metrics, `report summary` and `publish`. No call throws for a bad row; each
 * throws a `FileFault` if the file cannot be read, because that is not the same as an empty one.
 */
export interface ReceivedView {
  /** The domains with counts, in order. */
  domains(): string[];
  /** Counts, in the order of domain, day and submitter. */
  outcomes(query: RowQuery): OutcomeRow[];
  /** Failures, in the same order. */
  problems(query: RowQuery): ProblemRow[];
  /** The latest reports about a domain, at most `limit`. */
  reports(domain: string, limit: number): KeptReport[];
  /** The JSON of a kept report, gzipped; `undefined` if it is no longer kept. */
  body(id: number): Uint8Array | undefined;
  /** The last day on which anything was reported of a domain, and the first; `undefined` if nothing was. */
  days(domain: string): { readonly first: string; readonly last: string } | undefined;
}

/** The store of received reports. */
export interface ReceivedStore extends ReceivedView {
  /** Keeps a report, in one transaction. A fault of the file is a `full`, logged and counted. */
  add(report: AdmittedReport): Keeping;
  /** How much came on a day, for the bounds of `admission.ts`. */
  arrivals(query: ArrivalQuery): ArrivalLoad;
  /**
   * Drops a slice of what is older than it is kept. To be called once a minute, or until it returns 0.
   *
   * @returns Rows dropped.
   */
  prune(now: number): number;
  /**
   * Repairs the file if need be, and takes what was written to where it survives a power cut. To be called about once a
   * second.
   */
  flush(): void;
  /** Whether only what is there may still be counted, because the file has reached its bound. */
  isFull(): boolean;
  /** What is wrong with the file, in one line for the operator; `undefined` if nothing is. */
  readonly error: string | undefined;
  /** Closes the file. */
  close(): void;
}
