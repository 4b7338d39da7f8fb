/**
 * What DNS can say, as values. Nothing here is thrown: a network fault is a
 * result like any other, and the caller must look at `kind` to go on.
 *
 * @module
 */

/**
 * Why a question got no usable answer. The list is closed: the same word is
 * the reason in a `TEMP` reply, the log field and the metric label.
 *
 * - `servfail`: the DNS resolver answered SERVFAIL (or NOTIMP, FORMERR, …).
 * - `refused`: the DNS resolver answered REFUSED, or hung up on this one question.
 * - `bogus`: SERVFAIL because DNSSEC validation failed; the data exists
 *   when asked for with checking disabled.
 * - `timeout`: no answer within the deadline.
 * - `unreachable`: no DNS resolver gives a sign of life, over UDP or TCP.
 * - `malformed`: the answer is not a DNS message, does not match the question, or is truncated and TCP does not work.
 * - `unvalidated`: the caller wants a validated answer, and the only one came without the AD bit from a DNS resolver
 *   that is not known to validate DNSSEC.
 */
export type DnsFailure =
  | "servfail"
  | "refused"
  | "bogus"
  | "timeout"
  | "unreachable"
  | "malformed"
  | "unvalidated";

/** All failures. Their counters must exist before the first failure. */
export const DNS_FAILURES: readonly DnsFailure[] = [
  "servfail",
  "refused",
  "bogus",
  "timeout",
  "unreachable",
  "malformed",
  "unvalidated",
];

/** A mail exchanger record. `exchange` is lower case, without the final dot; `""` is the root (null MX, RFC 7505). */
export interface MxRecord {
  /** 0 to 65535; the lowest is tried first (RFC 5321, 5.1). */
  readonly preference: number;
  /** Name of the mail host. */
  readonly exchange: string;
}

/** A TLSA record (RFC 6698 §2.1) as published, usable or not. */
export interface TlsaRecord {
  /** Certificate usage, 0 to 255; DANE for SMTP takes 2 and 3 (RFC 7672, 3.1). */
  readonly usage: number;
  /** What of the certificate is matched, 0 to 255: 0 all of it, 1 its public key. */
  readonly selector: number;
  /** How `data` stands for that, 0 to 255: 0 as it is, 1 SHA-256, 2 SHA-512. */
  readonly matchingType: number;
  /** Certificate association data: the octets to match. */
  readonly data: Uint8Array;
}

/** The record types we ask for, each with the form of its data. */
export interface RecordData {
  /** Dotted IPv4 text. */
  A: string;
  /** IPv6 text. */
  AAAA: string;
  /** The name the alias points to, lower case, without the final dot. */
  CNAME: string;
  /** A mail exchanger and its preference. */
  MX: MxRecord;
  /** Name of a name server, lower case, without the final dot. */
  NS: string;
  /** What a TLS certificate must match. */
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
    /** The DNS resolver vouches for the whole answer (AD bit), CNAME chain included. */
    readonly secure: boolean;
    /** All of it was validated: it has the AD bit, or comes from a DNS resolver that is known to validate. */
    readonly validated: boolean;
    /** The lowest TTL of the records used, seconds. */
    readonly ttl: number;
    /** Owner of the records: the name asked for, or the end of its CNAME chain. Lower case, without the final dot. */
    readonly owner: string;
  }
  | {
    /** `nodata`: the name exists without such records. `nxdomain`: the name does not exist. */
    readonly kind: "nodata" | "nxdomain";
    readonly secure: boolean;
    readonly validated: boolean;
    /** Negative TTL (RFC 2308 §5), seconds; 0 if the answer has no SOA record. */
    readonly ttl: number;
  }
  | { readonly kind: "failed"; readonly reason: DnsFailure; readonly detail: string };

/** Options of one question. */
export interface LookupOptions {
  /** Gives up waiting; the answer is then `failed` with `timeout`. */
  readonly signal?: AbortSignal;
  /**
   * Accepts an answer without the AD bit only from a DNS resolver known to validate, since another one may hand
   * out a forgery that the first rejects as bogus. Asks those known to validate first. An unvalidated answer becomes
   * the failure `unvalidated`. If a DNS resolver is still being probed, the answer waits for the result.
   * @default {false}
   */
  readonly validated?: boolean;
}

/** Options of a TXT question. */
export interface TxtLookupOptions extends LookupOptions {
  /**
   * Whether the records say anything that the caller does not know yet.
   * @default They always do.
   */
  isNews?(records: readonly string[]): boolean;
}

/**
 * The result of probing all DNS resolvers: `validates` if at least one does, `does-not-validate` if none of
 * those that answered does, `unknown` if none answered.
 */
export type DnssecProbe =
  | { readonly kind: "validates" }
  | { readonly kind: "does-not-validate"; readonly detail: string }
  | { readonly kind: "unknown"; readonly reason: DnsFailure; readonly detail: string };

/** What is known of UDP or TCP to a DNS resolver; `off` if resolv.conf rules it out. */
export type WayState = "answers" | "no answer" | "unknown" | "off";

/** What is known of one DNS resolver, for display. */
export interface ResolverState {
  /** `address:port` */
  readonly server: string;
  /** Whether it answers over UDP. */
  readonly udp: WayState;
  /** Whether it answers over TCP. */
  readonly tcp: WayState;
  /** False if it does not take EDNS, so that it is asked without (RFC 6891 §7). */
  readonly edns: boolean;
  /** Whether it validates DNSSEC; `undefined` as long as that is unknown. */
  readonly validates: boolean | undefined;
}

/** Asks the DNS resolvers in use. */
export interface DnsClient {
  /**
   * Asks one question on the wire, which shows response code, AD bit, TTL and CNAME chain.
   *
   * @param name In A-labels, without the final dot.
   * @returns Never rejects.
   */
  lookup<T extends RecordType>(
    name: string,
    type: T,
    options?: LookupOptions,
  ): Promise<DnsAnswer<RecordData[T]>>;
  /**
   * Looks up TXT records. The wire shows whether there are any; `Deno.resolveDns` reads those that are news.
   * Never rejects.
   */
  lookupTxt(name: string, options?: TxtLookupOptions): Promise<DnsAnswer<string>>;
  /**
   * Asks every DNS resolver the `dnssec_probe` question. From then on, probes each one that is new to the list or
   * up again. Never rejects.
   */
  probe(): Promise<DnssecProbe>;
  /**
   * Whether DNSSEC is validated: true if a DNS resolver in use is known to validate, false if all are known not to,
   * otherwise `undefined`.
   */
  validates(): boolean | undefined;
  /** Tests now whether each DNS resolver answers over UDP and TCP. Never rejects. */
  inspect(): Promise<readonly ResolverState[]>;
  /** What is known of the DNS resolvers in use, in order of preference. Asks nothing. */
  resolvers(): readonly ResolverState[];
  /** The DNS resolvers in use, as `address:port`, in order of preference. */
  servers(): readonly string[];
  /** Closes all connections. Questions under way fail with `unreachable`. */
  close(): void;
}
