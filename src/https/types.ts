/**
 * What fetching a policy can come to, as values (RFC 8461 §3.3).
 *
 * @module
 */

import type { DnsFailure } from "../dns/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";

/** A failed fetch. `detail` is one line for a person, quoted and cut, safe to print. */
export interface FailedFetch {
  readonly kind: "failed";
  readonly reason: FetchFailure;
  readonly detail: string;
  /** The resolver's failure, when `reason` is `dns`. */
  readonly dns?: DnsFailure;
}

/** The result of one GET of a policy file. */
export type FetchOutcome =
  | {
    readonly kind: "fetched";
    /** The body, decoded as UTF-8 without BOM stripping; malformed bytes as U+FFFD. */
    readonly text: string;
    /** Body size in bytes, as received. */
    readonly bytes: number;
  }
  | FailedFetch;

/** What a person wants to see of a fetch beside its outcome; filled as far as it got. */
export interface FetchTrace {
  url: string;
  /** Acceptable addresses, in the order DNS gave them. */
  addresses: readonly string[];
  /** The address that was connected to; none through a proxy of the operator's. */
  connected?: string;
  /** Addresses left out by the guard, with the name of the refused range. */
  refused: readonly { address: string; range: string }[];
  status?: number;
  /** As the remote sent it, cut: quote it to print it. */
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
      /** A number that is the higher the later the fetch was wanted; where many wait, the last goes first. */
      readonly turn?: number;
    },
  ): Promise<FetchOutcome>;
  /** Looks up the addresses for a fetch that comes next, most likely. */
  prepare?(domain: string): void;
}
