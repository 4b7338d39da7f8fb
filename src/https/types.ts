/**
 * The outcomes of a policy fetch, as values (RFC 8461 §3.3).
 *
 * @module
 */

import type { DnsFailure } from "../dns/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";

/** A failed fetch. `detail` is one line for a person, quoted and cut, so it is safe to print. */
export interface FailedFetch {
  /** There is no answer to use. */
  readonly kind: "failed";
  /** The word for reply, log and metric. */
  readonly reason: FetchFailure;
  /** The line for a person. */
  readonly detail: string;
  /** What failed in DNS, if `reason` is `dns`. */
  readonly dns?: DnsFailure;
}

/** The result of one GET of a policy file. */
export type FetchOutcome =
  | {
    readonly kind: "fetched";
    /** The body, decoded as UTF-8. A BOM stays; malformed bytes become U+FFFD. */
    readonly text: string;
    /** Body size in bytes, as received. */
    readonly bytes: number;
  }
  | FailedFetch;

/** What a person wants to see of a fetch besides its outcome, as far as it has come. */
export interface FetchTrace {
  /** The URL of the request; for a policy file that of RFC 8461, 3.3. */
  url: string;
  /** Acceptable addresses, in the order of DNS. */
  addresses: readonly string[];
  /** The address of the connection; none through a proxy of the operator. */
  connected?: string;
  /** Addresses that the guard refused, with the name of the range. */
  refused: readonly { address: string; range: string }[];
  /** HTTP status; none before an answer has come. */
  status?: number;
  /** As the remote sent it, but cut. Quote it before you print it. */
  mediaType?: string;
  /** Milliseconds from start to outcome. */
  elapsed?: number;
}

/** Fetches policy files. */
export interface FetchPolicy {
  /** Fetches the policy file of one domain. Never rejects. */
  (
    domain: string,
    options?: {
      readonly signal?: AbortSignal;
      readonly trace?: FetchTrace;
      /** Later fetches have higher numbers. If many wait, the newest goes first. */
      readonly turn?: number;
    },
  ): Promise<FetchOutcome>;
  /** Looks up the addresses for a fetch that probably follows. */
  prepare?(domain: string): void;
}
