/**
 * What `cache import` reads: the lines of `cache export`, or the cache of postfix-mta-sts-resolver, named by its
 * configuration file or by its SQLite file. The content says which.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { isMapping } from "../base/mapping.ts";
import type { Environment } from "../config/defaults.ts";
import { type Document, parseDocument } from "../config/document.ts";
import { loadConfig } from "../config/load.ts";
import { isShared, readAddress } from "../config/shared.ts";
import { UsageError } from "../config/usage_error.ts";
import { openRivalSource, type RivalAddress } from "../daemon/fleet_engine.ts";
import { EngineError } from "../fleet/types.ts";
import type { RivalSource } from "../fleet/rival_entries.ts";

/** The first octets of every SQLite file. */
const SQLITE_MAGIC = "SQLite format 3\0";

/** A configuration file is no larger, octets; what is, holds lines. */
const CONFIG_MAX_OCTETS = 1024 * 1024;

/** The cache of another program, opened. */
export interface RivalCache {
  /** What is read, without password. */
  readonly name: string;
  readonly source: RivalSource;
}

/** What {@link openRivalCache} works with. */
export interface RivalOptions {
  readonly env: Environment;
  readonly clock: Clock;
  /** Loads the trusted issuers for an engine behind TLS, PEM. */
  readonly loadCaCerts: () => Promise<readonly string[]>;
}

/**
 * Opens the cache of postfix-mta-sts-resolver, if a file is or names one.
 *
 * @returns `undefined` for a file that holds something else, such as the lines of `cache export`.
 * @throws {UsageError} If it cannot be read, or names a cache that cannot be opened.
 * @throws {Error} With one line, if the SQLite file is another program's.
 */
export async function openRivalCache(
  path: string,
  options: RivalOptions,
): Promise<RivalCache | undefined> {
  const found = findCache(path, options);
  if (found === undefined) return undefined;
  const { name, address } = found;
  try {
    const isSecure = address.kind !== "sqlite" && address.tls !== undefined;
    const caCerts = isSecure ? await options.loadCaCerts() : [];
    return { name, source: await openRivalSource(address, { clock: options.clock, caCerts }) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new Error(`cannot read ${name}: ${error.message}`);
  }
}

function findCache(
  path: string,
  { env }: RivalOptions,
): { readonly name: string; readonly address: RivalAddress } | undefined {
  const head = readHead(path);
  if (head === SQLITE_MAGIC) return { name: path, address: { kind: "sqlite", path } };
  const document = readDocument(path, head);
  const cache = document?.cache;
  if (!isMapping(cache) || cache.type === undefined) return undefined;
  if (cache.type === "sqlite") return findSqlite(cache, path);
  const { config } = loadConfig({ file: path, readTextFile: Deno.readTextFileSync, env });
  const { shared } = config.cache;
  if (!isShared(shared)) {
    throw new UsageError(`${path}: this cache is in memory alone, there is nothing to import`);
  }
  const reading = readAddress(shared);
  if (reading.kind === "invalid") throw new UsageError(`${path}: ${reading.problem}`);
  return { name: `the ${cache.type} of ${path}`, address: reading.address };
}

function findSqlite(
  { options }: Record<string, unknown>,
  path: string,
): { readonly name: string; readonly address: RivalAddress } {
  const filename = isMapping(options) ? options.filename : undefined;
  if (typeof filename === "string" && filename.startsWith("/")) {
    return { name: filename, address: { kind: "sqlite", path: filename } };
  }
  throw new UsageError(`${path}: does not name its SQLite file by an absolute path`, {
    hint: "name that file instead",
  });
}

/** A YAML mapping; `undefined` for anything else. */
function readDocument(path: string, head: string): Document | undefined {
  if (/^[ \t\r\n]*\{/.test(head) || Deno.statSync(path).size > CONFIG_MAX_OCTETS) return undefined;
  try {
    return parseDocument(Deno.readTextFileSync(path), path);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** The first octets, one character each. @throws {UsageError} If the file cannot be read. */
function readHead(path: string): string {
  try {
    using file = Deno.openSync(path);
    const octets = new Uint8Array(SQLITE_MAGIC.length);
    const length = file.readSync(octets) ?? 0;
    return String.fromCharCode(...octets.subarray(0, length));
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    throw new UsageError(isMissing ? `there is no ${path}` : `cannot read ${path}`);
  }
}
