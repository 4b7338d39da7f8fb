/**
 * The effective configuration, as the rest of the program reads it: every value
 * present, checked and in one unit. Durations are milliseconds here, seconds in the file.
 *
 * @module
 */

import type { LogLevel } from "../monitor/types.ts";

/** A socket to listen on. */
export type ListenAddress =
  | { readonly kind: "inet"; readonly hostname: string; readonly port: number }
  /** `mode` as in chmod(2), for example `0o660`. */
  | { readonly kind: "unix"; readonly path: string; readonly mode: number };

/** Settings of one zone, chosen by the socketmap name in the request. */
export interface Zone {
  /** The socketmap name; `default` for the zone of all other names. */
  readonly name: string;
  /** Policies in mode `testing` count as `enforce`. */
  readonly strictTesting: boolean;
  /** What one query may wait for DNS and HTTPS in all, ms. */
  readonly timeout: number;
  /** Adds `servername=hostname` (Postfix 3.4 and later). */
  readonly requireSni: boolean;
  /** Adds the TLSRPT and MX pattern attributes (Postfix 3.10 and later). */
  readonly tlsrpt: boolean;
  /** `require`: a domain whose DANE state cannot be learned is deferred even when the resolver does not validate. */
  readonly dane: "auto" | "off" | "require";
  /** What a query gets for a domain whose TXT lookup failed and for which no policy is held. */
  readonly onDnsFailure: "deliver" | "defer";
}

/** The whole configuration. */
export interface Config {
  /** The file it came from; `undefined` for the embedded defaults. */
  readonly file: string | undefined;
  readonly listen: readonly ListenAddress[];
  /** Mode of UNIX sockets, for those that are named later on the command line. */
  readonly socketMode: number;
  /** Control socket for `cache`; `undefined` switches it off. */
  readonly control: ListenAddress | undefined;
  /** HTTP surface for metrics, health and status page; empty switches it off. */
  readonly http: readonly ListenAddress[];
  readonly defaultZone: Zone;
  /** The default zone with `tlsrpt`, for the map name `QUERYwithTLSRPT` of postfix-tlspol. */
  readonly tlsrptZone: Zone;
  readonly zones: ReadonlyMap<string, Zone>;
  readonly cache: {
    /** `undefined` keeps policies in memory only. */
    readonly file: string | undefined;
    /** The file was named by the operator: not being able to use it deserves a louder word. */
    readonly explicit: boolean;
    /** Domains and ready-made replies held in memory, each. */
    readonly memoryEntries: number;
    /** Allows a cache directory that others can write to. */
    readonly allowUnsafeDirectory: boolean;
  };
  /** Age of a TXT check after which a cached policy is checked again in the background, ms. */
  readonly recheck: number;
  /** How long "no policy" is remembered, ms. */
  readonly negativeTtl: number;
  readonly refresh: {
    /** Each policy in use is fetched anew about this often, ms. */
    readonly interval: number;
    /** A policy not asked for during this time is no longer refreshed, ms. */
    readonly forgetAfter: number;
    /** Refreshes under way at once. */
    readonly concurrency: number;
  };
  readonly dns: {
    /** `address:port`, in order of preference; empty: those of /etc/resolv.conf. */
    readonly servers: readonly string[];
    /** One question on the wire, ms. */
    readonly timeout: number;
    /** The question of the DNSSEC self-test, in Postfix's form: `ns:.`. */
    readonly dnssecProbe: string;
  };
  readonly https: {
    /** One deadline over DNS, connect, TLS and body, ms. */
    readonly timeout: number;
    /** Trust roots: the built-in Mozilla set, the system's, or a PEM file. */
    readonly ca: "mozilla" | "system" | { readonly file: string };
    /** Refused address ranges that are accepted all the same, as CIDR. */
    readonly allowPrivate: readonly string[];
    /** HTTP proxy for policy fetches; `undefined`: none, whatever the environment says. */
    readonly proxy: string | undefined;
    /** Fetches under way at once, in all and to one address. */
    readonly concurrency: number;
    readonly perAddress: number;
  };
  readonly limits: {
    readonly connections: number;
    /** Requests read ahead on one connection before reading stops. */
    readonly pipeline: number;
    /** An idle connection is closed after this, ms. */
    readonly idleTimeout: number;
    /** A started request must be complete, and a reply taken, within this, ms. */
    readonly ioTimeout: number;
    /** Discoveries (TXT and fetch) under way at once. */
    readonly discoveries: number;
  };
  /** How long a stop waits for open requests, ms. */
  readonly shutdownTimeout: number;
  readonly log: { readonly level: LogLevel; readonly format: "text" | "json" };
}

/** A remark on the file that is not an error: a key of postfix-mta-sts-resolver without a meaning here. */
export interface ConfigNote {
  /** Path of the key, such as `cache.options.threads`. */
  readonly path: string;
  readonly text: string;
}
