/**
 * Where the engine of a fleet is, as the operator writes it: a URL of redis-py, a connection string of libpq (URI or
 * `key=value`), or the options of postfix-mta-sts-resolver, which are the arguments of redis-py and asyncpg.
 *
 * No client library reads all of these. `redis_url.ts` and `postgres_dsn.ts` have the two grammars.
 * A problem is one line, and never holds a password.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import type { EngineAddress } from "../fleet/engine_address.ts";
import { type EngineArguments, inetOf, Problem, readPort } from "./engine_text.ts";
import { readPostgresDsn } from "./postgres_dsn.ts";
import { readRedisUrl } from "./redis_url.ts";

export type { EngineArguments };

/** The result of reading a text. */
export type EngineUrl =
  | {
    readonly kind: "address";
    readonly address: EngineAddress;
    /** Arguments that are known and have no effect here, in the order given. */
    readonly unused: readonly string[];
  }
  /** `problem` completes "cache.shared.url: …". */
  | { readonly kind: "invalid"; readonly problem: string };

/** What the schemes are, for messages. */
const SCHEMES = "redis://, rediss://, unix://, postgres:// or postgresql://";

/**
 * Reads a URL or a connection string.
 *
 * @param text `redis://…`, `rediss://…`, `unix:///…` as redis-py, `postgres://…`, `postgresql://…` or `key=value …`
 *   as libpq.
 * @param given For Redis they count where the text says nothing, for PostgreSQL they come first, as in redis-py and
 *   asyncpg.
 */
export function readEngineUrl(text: string, given: EngineArguments = {}): EngineUrl {
  const [, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text) ?? [];
  switch (scheme?.toLowerCase()) {
    case "redis":
    case "rediss":
    case "valkey":
    case "valkeys":
    case "unix":
      return attempt(() => readRedisUrl(text, given));
    case "postgres":
    case "postgresql":
      return attempt(() => readPostgresDsn(text, given));
    case undefined:
      if (text.includes("=")) return attempt(() => readPostgresDsn(text, given));
      return { kind: "invalid", problem: `must begin with ${SCHEMES}` };
    default:
      return { kind: "invalid", problem: `scheme ${scheme}: is not known, use ${SCHEMES}` };
  }
}

/**
 * Reads arguments without a text: host, port and the others of redis-py or asyncpg.
 *
 * @param kind Which of the two.
 */
export function readEngineArguments(
  kind: EngineAddress["kind"],
  given: EngineArguments,
): EngineUrl {
  return attempt(() => kind === "redis" ? readRedisUrl("", given) : readPostgresDsn("", given));
}

/** Where sentinels are, and what they call the group of servers. */
export interface SentinelArguments {
  /** `host`, `host:port`, or `[host, port]`. */
  readonly sentinels: readonly unknown[];
  /** Such as `mymaster`. */
  readonly masterName: string;
  /** Login at the sentinels. */
  readonly username?: string;
  /** Its password. */
  readonly password?: string;
}

/**
 * Reads the addresses of sentinels, and the arguments of the servers behind them.
 *
 * @param given Arguments of redis-py: `db`, `username`, `password`, `ssl` and the others.
 */
export function readSentinels(
  { sentinels, masterName, username, password }: SentinelArguments,
  given: EngineArguments = {},
): EngineUrl {
  return attempt(() => {
    if (sentinels.length === 0) throw new Problem("sentinels must not be empty");
    if (masterName === "") throw new Problem("the name of the master is missing");
    const { address, unused } = readRedisUrl("", given);
    return {
      address: {
        ...address,
        endpoints: sentinels.map(readSentinel),
        sentinel: {
          masterName,
          ...(username !== undefined && { username }),
          ...(password !== undefined && { password }),
        },
      },
      unused,
    };
  });
}

/** What it is and where, without password: `redis://10.0.0.5:6379/2`. */
export function formatEngineAddress(address: EngineAddress): string {
  const hosts = address.endpoints.map(formatHost).join(",");
  if (address.kind === "postgres") {
    return `postgres://${encodeURIComponent(address.user)}@${hosts}/${
      encodeURIComponent(address.database)
    }`;
  }
  const { sentinel, db, tls } = address;
  if (sentinel !== undefined) {
    return `sentinel://${hosts}/${encodeURIComponent(sentinel.masterName)}/${db}`;
  }
  if (address.endpoints[0]?.kind === "unix") return `unix://${hosts}?db=${db}`;
  return `redis${tls === undefined ? "" : "s"}://${hosts}/${db}`;
}

function formatHost(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return endpoint.path;
  const { hostname, port } = endpoint;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** The port of sentinels. */
const SENTINEL_PORT = 26379;

function readSentinel(value: unknown): Endpoint {
  if (Array.isArray(value) && value.length === 2 && typeof value[0] === "string") {
    return inetOf(value[0], readPort(`${value[1]}`));
  }
  const [, host, port] = typeof value === "string"
    ? /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(value) ?? []
    : [];
  if (host === undefined) throw new Problem("a sentinel must be host:port, or a pair of both");
  return inetOf(host, port === undefined ? SENTINEL_PORT : readPort(port));
}

function attempt(
  read: () => { readonly address: EngineAddress; readonly unused: readonly string[] },
): EngineUrl {
  try {
    return { kind: "address", ...read() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { kind: "invalid", problem: error.message };
  }
}
