/**
 * What the resolver gets, what it returns, and the events it reports.
 *
 * @module
 */

import type { DomainStore, StoredFailure, StoredPolicy } from "../cache/types.ts";
import type { DnsClient, DnsFailure, TlsaRecord } from "../dns/types.ts";
import type { Exchange } from "../fleet/types.ts";
import type { FailedFetch, FetchPolicy } from "../https/types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";
import type { GenerationalMapOptions } from "../base/generational_map.ts";
import type { NextHop } from "../sts/domain.ts";
import type { TxtSelection } from "../sts/txt_record.ts";
import type { DomainException } from "./exception.ts";
import type { PolicyMode } from "../sts/policy.ts";
import type { Zone } from "./zone.ts";
import type { ProvenClock } from "../base/clock.ts";
import type { KeptOutcome, Outcome } from "./outcome.ts";

/** A policy held. Times in ms of `Clock.now`; the time of last use is kept apart, as it changes. */
export type HeldPolicy = Omit<StoredPolicy, "lastUsedAt">;

/** What the resolver decided for a next hop. */
export type Answer =
  /** No policy that binds: Postfix goes by its own settings. */
  | { readonly kind: "notfound" }
  /** DANE applies, and is never overridden (RFC 8461 §2). */
  | { readonly kind: "dane-only" }
  /** A policy to enforce. */
  | {
    readonly kind: "secure";
    /** Policy domain, lower-case A-labels. */
    readonly domain: string;
    /** The patterns of the policy, checked and in lower case, `*.` kept; one or more. */
    readonly patterns: readonly string[];
    /** MX host names that match the policy; `undefined` if unknown, empty if there is none. */
    readonly hosts: readonly string[] | undefined;
    /** The reply lists the patterns although hosts are known: these are longer than the zone allows. */
    readonly listsPatterns?: boolean;
    /** The lines of the policy for TLSRPT reports, in order. */
    readonly policyStrings: readonly string[];
  }
  /** The resolver cannot decide now: the mail waits. `reason` is the sentence for Postfix, `cause` its word. */
  | { readonly kind: "temp"; readonly reason: string; readonly cause: TempCause };

/**
 * Why the resolver cannot decide. The list is closed: for each there is a remedy in `status/remedies.ts`.
 *
 * - `dns-failure`, `deadline`, `cache-unusable`: whether there is a policy is not known; see {@link Outcome}.
 * - `dane-dns`: MX, address or TLSA records cannot be looked up.
 * - `dane-not-validating`, `dane-validation-unknown`: the zone has `dane: require`.
 * - `dane-port`: the next hop names a service whose port is not known here.
 * - `mx-addresses`: the addresses of each MX host in the policy cannot be looked up.
 * - `match-limit`: the names in the policy are longer than the zone allows.
 */
export type TempCause =
  | "dns-failure"
  | "deadline"
  | "cache-unusable"
  | "dane-dns"
  | "dane-not-validating"
  | "dane-validation-unknown"
  | "dane-port"
  | "mx-addresses"
  | "match-limit";

/** The result of a TXT lookup. */
export type TxtResult = TxtSelection | {
  readonly kind: "failed";
  readonly reason: DnsFailure;
  readonly detail: string;
};

/** The result of a fetch: the policy with its times worked out, or why there is none. */
export type PolicyFetch = { readonly kind: "policy"; readonly held: HeldPolicy } | FailedFetch;

/** Why the held policy stays in use, in one word of the closed lists. */
export type KeptReason = TxtFailureWord | FetchFailure | "held-off";

/** The result of the MX and DANE lookups for a next hop. */
export interface MxView {
  /** Next hop in Postfix's form. */
  readonly nextHop: string;
  /**
   * - `usable`: secure MX RRset and usable secure TLSA records at one host or more.
   * - `absent`: proven or safely taken to have none that count.
   * - `unknown-port`: there may be TLSA records, but at a port whose number is not known here.
   * - `insecure`: the MX RRset is not signed, so TLSA records cannot protect the delivery.
   * - `unchecked`: DANE is off, or the resolver does not validate.
   */
  readonly dane: "usable" | "absent" | "unknown-port" | "insecure" | "unchecked";
  /** MX host names, lower-case, in order of preference; `undefined` when there is nothing to learn. */
  readonly hosts: readonly string[] | undefined;
  /** Those of the hosts at which usable TLSA records were seen. */
  readonly daneHosts: readonly string[];
  /** Those of the hosts whose addresses could not be looked up: nothing is known of them. */
  readonly skipped: readonly string[];
  /** Every answer behind this came from a server known to validate, or with the AD bit. */
  readonly validated: boolean;
  /** When the lookups began, ms. */
  readonly checkedAt: number;
  /** Up to here the view may be used without a look at DNS, ms. */
  readonly freshUntil: number;
}

/** A host whose TLSA records are secure, but none of which SMTP can use (RFC 7672 §3.1). */
export interface UnusableTlsa {
  /** The MX host: lower case, as in DNS. */
  readonly host: string;
  /** The TLSA base domain: the host, or the name at the end of its alias (RFC 7672 §2.2.3). */
  readonly base: string;
  /** The records, as published; one or more. */
  readonly records: readonly TlsaRecord[];
}

/** The view, or why there is none. */
export type MxResult =
  | {
    readonly kind: "known";
    readonly view: MxView;
    /** Why hosts were skipped, for the first of them. */
    readonly skippedFor?: { readonly reason: DnsFailure; readonly detail: string };
    /** The hosts that were looked at whose TLSA records are secure, but none usable; absent if there is none. */
    readonly unusable?: readonly UnusableTlsa[];
  }
  | { readonly kind: "failed"; readonly reason: DnsFailure; readonly detail: string };

/** One thing that happened, for the log, the metrics, the warnings and `lookup`. */
export type ResolverEvent =
  | {
    readonly kind: "txt";
    readonly domain: string;
    readonly result: TxtResult;
    readonly ms: number;
  }
  | {
    readonly kind: "fetch";
    readonly domain: string;
    readonly id: string;
    readonly result: PolicyFetch;
    readonly ms: number;
  }
  | { readonly kind: "held-off"; readonly domain: string; readonly failure: StoredFailure }
  /** A new or refreshed policy took effect; `previous` is the live one it replaced. */
  | {
    readonly kind: "policy";
    readonly held: HeldPolicy;
    readonly previous: HeldPolicy | undefined;
  }
  /** A policy that another host of the fleet fetched took effect; `previous` is the live one it replaced. */
  | {
    readonly kind: "shared";
    readonly held: HeldPolicy;
    readonly previous: HeldPolicy | undefined;
    /** Who fetched it: printable ASCII of at most 255 characters. */
    readonly host: string;
    /** It counts like the host's own memory. */
    readonly isSigned: boolean;
  }
  /** The operator of another host had all hosts forget a domain. */
  | { readonly kind: "purged"; readonly domain: string }
  /** A live policy stays in use, because neither its TXT record nor a fetch gave a newer one. */
  | {
    readonly kind: "kept";
    readonly held: HeldPolicy;
    readonly outcome: KeptOutcome;
    readonly reason: KeptReason;
  }
  | {
    readonly kind: "mx";
    readonly nextHop: string;
    readonly result: MxResult;
    readonly ms: number;
  }
  | {
    readonly kind: "answer";
    readonly domain: string;
    readonly zone: Zone;
    readonly outcome: Outcome;
    readonly answer: Answer;
    /** The exception under which it was given, if that had a say. */
    readonly exception?: DomainException | undefined;
    /** The next hop has brackets: its host is the operator's choice, not an MX host of the domain. */
    readonly bracketed?: boolean;
    /** All MX hosts of the next hop, if they were looked at and are known. */
    readonly mxHosts?: readonly string[] | undefined;
    /** Why nothing is known of them, if they were looked at. */
    readonly mxFailure?: DnsFailure | undefined;
    /** Why the store could not be read, if that decided the answer. */
    readonly storeFault?: string;
  };

/** Why a TXT lookup gave no id, in one word. */
export type TxtFailureWord = "absent" | "several" | "invalid" | DnsFailure;

/** The resolver's answer to one query; see `postfix/responder.ts` for its use. */
export interface Resolution {
  /** What to reply. */
  readonly answer: Answer;
  /** The same answer may be given again without asking up to here, ms. */
  readonly until: number;
  /** Turns invalid when the resolver changes its mind earlier. */
  readonly token: { readonly valid: boolean };
  /** How the resolver came to the answer. */
  readonly outcome: Outcome;
  /** The mode of the policy that it rests on, if it rests on one. */
  readonly mode?: PolicyMode;
  /** The exception under which it was given, if that had a say. */
  readonly exception?: DomainException | undefined;
}

/** The settings of the resolver; durations in milliseconds. */
export interface ResolverSettings {
  /** Time between two checks of a TXT record. */
  readonly recheck: number;
  /** How long the absence of a policy is remembered. */
  readonly negativeTtl: number;
  /** Time between two regular fetches, and from the last use to the last of them. */
  readonly refresh: { readonly interval: number; readonly forgetAfter: number };
  /** Checks (TXT and fetch) under way at once. */
  readonly discoveries: number;
  /** What is held in memory: so many domains, and so many octets of policies and of MX views. */
  readonly memory: {
    readonly entries: number;
    readonly policyOctets: number;
    readonly viewOctets: number;
  };
  /** DANE is looked at, unless every zone switches it off. */
  readonly dane: boolean;
  /** A zone says `dane: require`. @default {false} */
  readonly daneRequired?: boolean;
  /** Exceptions from what domains publish, ended ones included. @default {[]} */
  readonly domains?: readonly DomainException[];
}

/** The effects the resolver works with. */
export interface ResolverEffects {
  /** Asks DNS. */
  readonly dns: Pick<DnsClient, "lookup" | "lookupTxt">;
  /** Fetches a policy file. */
  readonly fetchPolicy: FetchPolicy;
  /** What other hosts know and fetch; absent if this host is alone. */
  readonly fleet?: Exchange | undefined;
  /** Keeps what must survive a restart. */
  readonly store: DomainStore;
  /** The time, and what of it is proven. */
  readonly clock: ProvenClock;
  /** Hears everything that happens; must not throw. */
  readonly observe: (event: ResolverEvent) => void;
  /** Whether the DNS resolver validates, as last seen; `undefined` while unknown. */
  readonly dnssec: () => boolean | undefined;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  /** Creates a bounded map for what is held in memory. */
  readonly createMap: <V>(entries: number, options: GenerationalMapOptions<V>) => BoundedMap<V>;
}

/** The bounded map of `base/generational_map.ts`, as far as it is needed here. */
export interface BoundedMap<V> {
  /** The value of a key; this counts as a use. */
  get(key: string): V | undefined;
  /** Sets a value, and may drop others that were not used lately. */
  set(key: string, value: V): void;
  /** Removes a value. */
  delete(key: string): void;
  /** All values; reading them does not count as a use. */
  entries(): IterableIterator<[key: string, value: V]>;
  /** How many values it holds. */
  readonly size: number;
  /** About how many octets the entries take. */
  readonly octets: number;
}

export type { NextHop, Zone };
