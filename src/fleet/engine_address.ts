/**
 * Where the engine of a fleet is, and how to get in: what a redis-py URL or a libpq connection string means.
 *
 * `config/engine_url.ts` reads the text, and the drivers connect. Whatever opens the engine reads the files that
 * are named here, so neither of the two touches the disk.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";

/** How TLS is used with an engine. */
export interface TlsSettings {
  /** What must hold: nothing (encryption alone), a trusted issuer, or also the name of the host. */
  readonly verify: "none" | "issuer" | "name";
  /** PEM file with the trusted issuers; without it those of the daemon. */
  readonly caFile?: string;
  /** PEM file with the certificate of this client, and the file of its key. */
  readonly certFile?: string;
  /** PEM file with the key of `certFile`; it may be the same file. */
  readonly keyFile?: string;
  /** What `keyFile` is encrypted with. */
  readonly keyPassword?: string;
}

/** A Redis or Valkey. */
export interface RedisAddress {
  /** Which driver. */
  readonly kind: "redis";
  /** The server; with `sentinel` the sentinels, in the order in which they are asked. */
  readonly endpoints: readonly Endpoint[];
  /** The sentinels say where the server is. */
  readonly sentinel?: {
    /** What the sentinels call the group of servers. */
    readonly masterName: string;
    /** ACL user at the sentinels. */
    readonly username?: string;
    /** Password at the sentinels. */
    readonly password?: string;
  };
  /** ACL user at the server. */
  readonly username?: string;
  /** Password at the server. */
  readonly password?: string;
  /** Number of the database. */
  readonly db: number;
  /** Absent: plain text. Sentinels are asked in the same way. */
  readonly tls?: TlsSettings;
}

/** Which servers of a list will do, as `target_session_attrs` of libpq. */
export type PostgresTarget =
  | "any"
  | "primary"
  /** A primary server if there is one; the default of a list, since a host of the fleet writes. */
  | "prefer-primary"
  | "standby"
  | "read-only"
  | "prefer-standby";

/** A PostgreSQL. */
export interface PostgresAddress {
  /** Which driver. */
  readonly kind: "postgres";
  /** Tried in this order. */
  readonly endpoints: readonly Endpoint[];
  /** Role to connect as. */
  readonly user: string;
  /** Its password; without it `passFile` is looked into. */
  readonly password?: string;
  /** A file like `~/.pgpass`. */
  readonly passFile?: string;
  /** Name of the database. */
  readonly database: string;
  /** Absent: plain text. Sockets of the file system never use TLS. */
  readonly tls?: TlsSettings & {
    /** A server without TLS will do too (`sslmode=prefer`). */
    readonly isOptional: boolean;
  };
  /** Which servers will do. */
  readonly target: PostgresTarget;
  /** Statements may be prepared; not so behind PgBouncer in transaction mode. */
  readonly isPreparing: boolean;
  /** Settings of the session, such as `search_path`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Where an engine is. */
export type EngineAddress = RedisAddress | PostgresAddress;

/** The contents of the files that {@link TlsSettings} names. */
export interface TlsFiles {
  /** Trusted issuers, PEM; without them those of the system. */
  readonly ca?: readonly string[];
  /** Certificate of this client, PEM. */
  readonly cert?: string;
  /** Its key, PEM. */
  readonly key?: string;
}
