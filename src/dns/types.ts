/**
 * What DNS can say, as values. Nothing here is thrown: a network fault is an
 * outcome like any other, and the caller must look at `kind` to go on.
 *
 * @module
 */

/**
 * Why a question got no usable answer. The list is closed: the same word is
 * the reason in a `TEMP` reply, the log field and the metric label.
 *
 * - `servfail`: the resolver answered SERVFAIL (or NOTIMP, FORMERR, …).
 * - `refused`: the resolver answered REFUSED.
 * - `bogus`: SERVFAIL because DNSSEC validation failed; the data exists
 *   when asked for with checking disabled.
 * - `timeout`: no answer within the deadline.
 * - `unreachable`: no configured resolver accepts a connection.
 * - `malformed`: an answer that is not a DNS message, or not to our question.
 * - `unvalidated`: an answer that DNSSEC vouches for was wanted, and the resolver that answered is not
 *   known to validate.
 */
export type DnsFailure =
  | "servfail"
  | "refused"
  | "bogus"
  | "timeout"
  | "unreachable"
  | "malformed"
  | "unvalidated";

/** All failures, for counters that must exist before the first failure. */
export const DNS_FAILURES: readonly DnsFailure[] = [
  "servfail",
  "refused",
  "bogus",
  "timeout",
  "unreachable",
  "malformed",
  "unvalidated",
];

/** A mail exchanger record. `exchange` is lower-case, without the final dot; `""` is the root (null MX, RFC 7505). */
export interface MxRecord {
  readonly preference: number;
  readonly exchange: string;
}

/** A TLSA record (RFC 6698 §2.1) as published; usability is judged elsewhere. */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly data: Uint8Array;
}

/** The record types we ask for and the shape of each record's data. */
export interface RecordData {
  /** Dotted IPv4 text. */
  A: string;
  /** IPv6 text. */
  AAAA: string;
  /** The name the alias points to, lower-case, without the final dot. */
  CNAME: string;
  MX: MxRecord;
  /** Name server name, lower-case, without the final dot. */
  NS: string;
  TLSA: TlsaRecord;
  /** The character-strings of one record joined without a space (RFC 8461 §3.1), one char per octet (Latin-1). */
  TXT: string;
}

/** A record type we ask for. */
export type RecordType = keyof RecordData;

/** The result of one question. TTLs are in seconds. */
export type DnsAnswer<T> =
  | {
    readonly kind: "found";
    readonly records: readonly T[];
    /** The resolver vouches for the whole answer (AD bit), CNAME chain included. */
    readonly secure: boolean;
    /** The answer has passed validation: it has the AD bit, or comes from a server known to validate. */
    readonly validated?: boolean;
    /** Least TTL of the answer section, seconds. */
    readonly ttl: number;
    /** Owner of the records: the question's name, or where its CNAME chain ended. Lower-case, no final dot. */
    readonly owner: string;
  }
  | {
    /** `nodata`: the name exists without such records. `nxdomain`: the name does not exist. */
    readonly kind: "nodata" | "nxdomain";
    readonly secure: boolean;
    /** As above: what is absent without it may have been hidden. */
    readonly validated?: boolean;
    /** Negative TTL (RFC 2308 §5), seconds; 0 when the answer has no SOA. */
    readonly ttl: number;
  }
  | { readonly kind: "failed"; readonly reason: DnsFailure; readonly detail: string };

/** Options of one question. */
export interface LookupOptions {
  /** Gives up waiting; the answer is then `failed` with `timeout`. */
  readonly signal?: AbortSignal;
  /**
   * An answer without the AD bit counts only from a server that is known to validate; else the lookup is
   * `failed` with `unvalidated`.
   * @default {false}
   */
  readonly validated?: boolean;
}

/** Options of a question for TXT records. */
export interface TxtLookupOptions extends LookupOptions {
  /**
   * Whether records say anything that the caller does not know yet.
   * @default They do.
   */
  isNews?(records: readonly string[]): boolean;
}

/** Whether the configured resolver validates DNSSEC, as the start-up self-test saw it. */
export type DnssecProbe =
  | { readonly kind: "validates" }
  | { readonly kind: "does-not-validate"; readonly detail: string }
  | { readonly kind: "unknown"; readonly reason: DnsFailure; readonly detail: string };

/** Our view of the configured resolvers. */
export interface DnsClient {
  /**
   * Asks one question on the wire (response code, AD bit, TTL and CNAME chain known).
   *
   * @param name Name without the final dot, A-labels.
   * @returns Never rejects.
   */
  lookup<T extends RecordType>(
    name: string,
    type: T,
    options?: LookupOptions,
  ): Promise<DnsAnswer<RecordData[T]>>;
  /**
   * Looks TXT records up: on the wire whether there are any, and what is news is read with `Deno.resolveDns`.
   * Where the wire cannot be had, `secure` and `ttl` are false and 0. Never rejects.
   */
  lookupTxt(name: string, options?: TxtLookupOptions): Promise<DnsAnswer<string>>;
  /** Asks the `dnssec_probe` question. Never rejects. */
  probe(options?: LookupOptions): Promise<DnssecProbe>;
  /** The resolvers in use, as `address:port`, in order of preference. */
  servers(): readonly string[];
  /** Reads the system's resolver settings again (reload, changed resolv.conf). */
  reload(): Promise<void>;
  /** Ends open connections; questions under way fail with `unreachable`. */
  close(): void;
}
