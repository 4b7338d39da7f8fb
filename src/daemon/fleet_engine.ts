/**
 * Opens the engine of a fleet, or the cache of postfix-mta-sts-resolver: reads the files that the address names, and
 * loads the driver for its scheme. Who has no fleet loads neither driver.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { formatEngineAddress } from "../config/engine_url.ts";
import { findPassword } from "../config/pass_file.ts";
import { UsageError } from "../config/usage_error.ts";
import type { EngineAddress, PostgresAddress, TlsFiles } from "../fleet/engine_address.ts";
import { sealForeign } from "../fleet/entry.ts";
import type { RivalEntry, RivalSource } from "../fleet/rival_entries.ts";
import type { Engine } from "../fleet/types.ts";

/** The host that entries of the other program are from. */
const RIVAL_HOST = "postfix-mta-sts-resolver";

/** What an engine is opened with. */
export interface OpenEngineOptions {
  /** Timers of all waits. */
  readonly clock: Clock;
  /** Names the fleet: `cache.shared.prefix`. */
  readonly prefix: string;
  /** Trusted issuers, PEM, where the address names no file; none for those of the process. */
  readonly caCerts: readonly string[];
  /** The address is that of the other program's cache: its entries are read where the fleet has none. */
  readonly readsRival: boolean;
}

/**
 * Makes a driver. It connects with the first call, so nothing here waits for the engine.
 *
 * @throws {UsageError} If a file cannot be read, or the prefix is none for this kind of engine.
 */
export async function openEngine(
  address: EngineAddress,
  { clock, prefix, caCerts, readsRival }: OpenEngineOptions,
): Promise<Engine> {
  const common = {
    label: formatEngineAddress(address),
    prefix,
    clock,
    tlsFiles: readTlsFiles(address, caCerts),
    ...(readsRival && { sealRival }),
  };
  if (address.kind === "redis") {
    const { RedisEngine } = await import("../fleet/redis_engine.ts");
    return new RedisEngine({ ...common, address });
  }
  const passwordOf = passwordsOf(address);
  const { PostgresEngine } = await import("../fleet/postgres_engine.ts");
  try {
    return new PostgresEngine({ ...common, address, passwordOf });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`cache.shared.prefix: ${error.message}`, {
      hint: "PostgreSQL: a letter, and up to 31 more letters, digits, _ and -",
    });
  }
}

/** Where a cache of the other program is. */
export type RivalAddress = EngineAddress | {
  readonly kind: "sqlite";
  /** Absolute path of the file. */
  readonly path: string;
};

/**
 * Opens the cache of postfix-mta-sts-resolver for reading.
 *
 * @throws {UsageError} If a file cannot be read.
 * @throws {EngineError} If the SQLite file is not its.
 */
export async function openRivalSource(
  address: RivalAddress,
  { clock, caCerts }: Pick<OpenEngineOptions, "clock" | "caCerts">,
): Promise<RivalSource> {
  if (address.kind === "sqlite") {
    const { openRivalSqlite } = await import("../fleet/rival_sqlite.ts");
    return openRivalSqlite(address.path, clock);
  }
  const tlsFiles = readTlsFiles(address, caCerts);
  if (address.kind === "redis") {
    const { openRivalRedis } = await import("../fleet/rival_redis.ts");
    return openRivalRedis({ address, tlsFiles, clock });
  }
  const passwordOf = passwordsOf(address);
  const { openRivalPostgres } = await import("../fleet/rival_postgres.ts");
  return openRivalPostgres({ address, tlsFiles, passwordOf, clock });
}

function sealRival({ domain, id, text, checkedAt }: RivalEntry): string | undefined {
  return sealForeign({ domain, id, text, fetchedAt: checkedAt, host: RIVAL_HOST });
}

function readTlsFiles({ tls }: EngineAddress, caCerts: readonly string[]): TlsFiles {
  if (tls === undefined) return {};
  const { caFile, certFile, keyFile } = tls;
  const ca = caFile === undefined ? caCerts : [readFile(caFile)];
  return {
    ...(ca.length > 0 && { ca }),
    ...(certFile !== undefined && { cert: readFile(certFile) }),
    ...(keyFile !== undefined && { key: readFile(keyFile) }),
  };
}

function passwordsOf(
  { password, passFile, database, user }: PostgresAddress,
): (endpoint: Endpoint) => string | undefined {
  if (password !== undefined || passFile === undefined) return () => password;
  const text = readFile(passFile);
  const { mode } = Deno.statSync(passFile);
  if (mode !== null && (mode & 0o077) !== 0) {
    throw new UsageError(`${passFile}: others may read the passwords`, {
      hint: `chmod 600 ${passFile}`,
    });
  }
  return (endpoint) => findPassword(text, { endpoint, database, user });
}

function readFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(`${path}: ${messageOf(error)}`);
  }
}
