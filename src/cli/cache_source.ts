/**
 * What a command asks about the cache: the running daemon, or a file. Both answer the requests of the control
 * channel, so a command has one way to ask.
 *
 * Without a daemon, a command that only reads opens the file that the daemon would use, read-only, and says so. A
 * command that changes something is refused, unless the operator names the file with `--offline`.
 *
 * @module
 */

import { createClock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { createLog } from "../base/log.ts";
import { createMetrics } from "../base/metrics.ts";
import { createWarnings } from "../base/warnings.ts";
import { CacheView } from "../cache/cache_view.ts";
import { createSqliteStore } from "../cache/sqlite_store.ts";
import { defaultCacheFile } from "../config/defaults.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { answerControl, type ControlOptions } from "../daemon/control.ts";
import { createFleetControl } from "../daemon/control_fleet.ts";
import { startEngine } from "../daemon/engine.ts";
import { openFleet } from "../daemon/fleet.ts";
import { chooseRoots } from "../daemon/network.ts";
import type { CommandArgs, Io } from "./command.ts";
import { findDaemon, type FoundDaemon } from "./find_daemon.ts";
import { OFFLINE_OPTION } from "./options.ts";

/** State directories of the service, as its unit and systemd name them. */
const SERVICE_STATE = ["/var/lib/mta-sts-resolver", "/var/lib/private/mta-sts-resolver"];

/** What answers requests about the cache. */
export interface CacheSource {
  /** `the daemon on unix:/run/…` or `the file /var/lib/…`. */
  readonly name: string;
  /** A file that a daemon may be using at the same time. */
  readonly isFile: boolean;
  /**
   * Sends requests with one command, one after the other.
   *
   * @returns The payloads of the replies, in the same order.
   * @throws {Error} With one line if there is no answer.
   */
  ask(command: string, args: readonly string[]): Promise<string[]>;
  /** Ends the use. */
  close(): void | Promise<void>;
}

/** How {@link withSource} chooses. */
export interface SourceOptions {
  readonly config: Config;
  readonly args: CommandArgs;
  readonly io: Io;
  /**
   * What the command needs: `refresh` has the network too, `share` the engine of the fleet, and `fill` takes a file that
   * is not there yet as well.
   */
  readonly access: "read" | "write" | "refresh" | "share" | "fill";
}

/**
 * Chooses what to ask, says so in one line on standard error, runs `use`, and closes it.
 *
 * @throws {UsageError} If something is to be changed and no daemon answers, and no file was named.
 * @throws {Error} With one line if the file cannot be read.
 */
export async function withSource<Result>(
  options: SourceOptions,
  use: (source: CacheSource) => Promise<Result>,
): Promise<Result> {
  const source = await openSource(options);
  options.io.err(`asked ${source.name}`);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Chooses what to ask, and prints nothing. @throws {Error} As {@link withSource} does. */
export async function openSource(
  { config, args, io, access }: SourceOptions,
): Promise<CacheSource> {
  const named = args.value(OFFLINE_OPTION.name);
  if (named !== undefined) {
    return access === "read" ? openView(named) : await openFile(named, { config, access });
  }
  const daemon = await findDaemon(config);
  if (daemon.kind === "found") {
    const { address, ask } = daemon;
    return { name: `the daemon on ${address}`, isFile: false, ask, close() {} };
  }
  if (access !== "read") throw refuse(daemon);
  const file = serviceCacheFile(config, io);
  if (file === undefined) {
    throw new Error(`${daemon.why}, and the cache exists only in the daemon's memory`);
  }
  try {
    const view = openView(file);
    return { ...view, name: `${view.name}, because ${daemon.why}` };
  } catch (error) {
    throw new Error(`${daemon.why}, and ${messageOf(error)}`);
  }
}

function refuse({ why, advice }: Extract<FoundDaemon, { kind: "missing" }>): UsageError {
  return new UsageError(`${why}: ${advice}, or name the cache file with --offline`);
}

/**
 * The file that the daemon of this host uses, as far as this command can know. A default from the environment of
 * this shell gives way to the state directory of the service.
 *
 * @param options `directories`: those of the service, for tests.
 * @returns `undefined` for a cache in memory.
 */
export function serviceCacheFile(
  { cache: { file } }: Pick<Config, "cache">,
  { env, directories = SERVICE_STATE }: {
    readonly env: Io["env"];
    readonly directories?: readonly string[];
  },
): string | undefined {
  const isOwn = file === defaultCacheFile(env) && env("STATE_DIRECTORY") === undefined;
  if (!isOwn) return file;
  const service = directories.find(exists);
  return service === undefined ? file : `${service}/cache.db`;
}

/** @returns The file, opened read-only. */
function openView(path: string): CacheSource {
  requireFile(path);
  const view = new CacheView(path, { now: Date.now });
  const options: ControlOptions = {
    store: {
      getPolicy(domain) {
        const policy = view.getPolicy(domain);
        return policy === undefined ? { kind: "absent" } : { kind: "found", policy };
      },
      getFailure: (domain) => view.getFailure(domain),
      getMx: (nextHop) => view.getMx(nextHop),
      listPolicies: (query) => view.listPolicies(query),
      listFailures: (query) => view.listFailures(query),
      health: () => ({ kind: "ok" }),
    },
  };
  return fileSource(path, { options, now: Date.now, close: () => view.close() });
}

/** @returns The file, opened to be changed as the daemon changes it. */
async function openFile(
  path: string,
  { config, access }: { config: Config; access: Exclude<SourceOptions["access"], "read"> },
): Promise<CacheSource> {
  // A file that is damaged or of another program is not repaired here, and one that is missing seldom created.
  if (access !== "fill" || exists(path)) openView(path).close();
  else requireFile(path.slice(0, path.lastIndexOf("/") + 1) || ".");
  const clock = createClock();
  const base = { log: createLog({ level: "error", format: "text" }), metrics: createMetrics() };
  const store = createSqliteStore({
    ...base,
    path,
    now: clock.now,
    proven: clock.proven,
    onLastSeen: clock.seen,
    // The file may belong to the account of the daemon.
    allowUnsafeDirectory: true,
  });
  const health = store.health();
  if (health.kind === "degraded") {
    store.close();
    throw new Error(health.error);
  }
  const logged = { ...base, clock };
  const parts = { ...logged, store, warnings: createWarnings(logged) };
  const engine = access === "refresh" ? await startEngine(config, parts) : undefined;
  const forget = (name: string) => store.remove(name);
  const resolver = engine?.resolver ??
    { check: () => undefined, purge: (name: string) => void store.remove(name), forget };
  const fleet = access === "share" || access === "fill"
    ? await openFleet(config, { ...parts, roots: await chooseRoots(config) })
    : undefined;
  return fileSource(path, {
    options: {
      store,
      changes: { store, resolver: () => resolver },
      fleet: createFleetControl(() => fleet, clock),
    },
    now: clock.now,
    async close() {
      await engine?.stop();
      await fleet?.close();
      store.close();
    },
  });
}

function fileSource(
  path: string,
  { options, now, close }: {
    readonly options: ControlOptions;
    readonly now: () => number;
    readonly close: () => void | Promise<void>;
  },
): CacheSource {
  return {
    name: `the file ${path}`,
    isFile: true,
    async ask(command, args) {
      const replies: string[] = [];
      for (const argument of args) {
        replies.push(await answerControl(options, { command, argument, now: now() }));
      }
      return replies;
    },
    close,
  };
}

/** @throws {Error} With one line. */
function requireFile(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(`there is no ${path}: has a daemon created it?`);
    }
    throw new Error(`cannot read ${path}: run this as root or as the user of the service`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}
