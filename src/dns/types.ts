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
 * - `refused`: the resolver answered REFUSED, or hung up on this one question.
 * - `bogus`: SERVFAIL because DNSSEC validation failed; the data exists
 *   when asked for with checking disabled.
 * - `timeout`: no answer within the deadline.
 * - `unreachable`: no configured resolver gives a sign of life, over UDP or TCP.
 * - `malformed`: an answer that is not a DNS message, not to our question, or truncated where TCP cannot be had.
 * - `unvalidated`: the only answer came without the AD bit from a resolver not known to validate DNSSEC,
 *   and a validated one was asked for.
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
    /** A resolver that validates has looked at all of it: it has the AD bit, or comes from one known to validate. */
    readonly validated: boolean;
    /** Least TTL of the answer section, seconds. */
    readonly ttl: number;
    /** Owner of the records: the question's name, or where its CNAME chain ended. Lower-case, no final dot. */
    readonly owner: string;
  }
  | {
    /** `nodata`: the name exists without such records. `nxdomain`: the name does not exist. */
    readonly kind: "nodata" | "nxdomain";
    readonly secure: boolean;
    readonly validated: boolean;
    /** Negative TTL (RFC 2308 §5), seconds; 0 when the answer has no SOA. */
    readonly ttl: number;
  }
  | { readonly kind: "failed"; readonly reason: DnsFailure; readonly detail: string };

/** Options of one question. */
export interface LookupOptions {
  /** Gives up waiting; the answer is then `failed` with `timeout`. */
  readonly signal?: AbortSignal;
  /**
   * Takes an answer without the AD bit only from a resolver known to validate: another may hand out a forgery
   * for what this one holds for bogus. Those known to validate are asked first, and an answer of one that is not
   * is the failure `unvalidated`. Where the probe of a resolver is still under way, its end is waited for.
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

/**
 * What the probes of all resolvers came to: `validates` if one of them does, `does-not-validate` if those that
 * answered do not, `unknown` if none answered.
 */
export type DnssecProbe =
  | { readonly kind: "validates" }
  | { readonly kind: "does-not-validate"; readonly detail: string }
  | { readonly kind: "unknown"; readonly reason: DnsFailure; readonly detail: string };

/** What is known of one way to a resolver, UDP or TCP; `off` where resolv.conf forbids it. */
export type WayState = "answers" | "no answer" | "unknown" | "off";

/** What is known of one resolver, for display. */
export interface ResolverState {
  /** `address:port` */
  readonly server: string;
  readonly udp: WayState;
  readonly tcp: WayState;
  /** False when it refuses questions with EDNS, so that they are asked without (RFC 6891 §7). */
  readonly edns: boolean;
  /** Whether it validates DNSSEC; `undefined` while unknown. */
  readonly validates: boolean | undefined;
}

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
   * Never rejects.
   */
  lookupTxt(name: string, options?: TxtLookupOptions): Promise<DnsAnswer<string>>;
  /**
   * Asks every resolver the `dnssec_probe` question, and from then on each that is new to the list or comes up
   * again. Never rejects.
   */
  probe(): Promise<DnssecProbe>;
  /**
   * Whether DNSSEC is validated: true if a resolver in use is known to do it, false if all are known not to,
   * else `undefined`.
   */
  validates(): boolean | undefined;
  /** Whether each resolver answers over UDP and TCP, asked now. Never rejects. */
  inspect(): Promise<readonly ResolverState[]>;
  /** What is known of the resolvers in use, in order of preference; nothing is asked. */
  resolvers(): readonly ResolverState[];
  /** The resolvers in use, as `address:port`, in order of preference. */
  servers(): readonly string[];
  /** Ends open connections; questions under way fail with `unreachable`. */
  close(): void;
}
