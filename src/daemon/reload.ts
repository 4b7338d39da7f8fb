/**
 * Reload: the new configuration is read, its addresses are opened, and its engine is started beside the running one.
 * It takes over once nothing can fail any more. If anything is wrong with it, everything stays as it was.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { changedKeys } from "../config/changes.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { type AddressChange, changeAll } from "./address_change.ts";
import { logNotes } from "./config_notes.ts";
import type { DaemonContext, EngineContext } from "./context.ts";
import { startEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import type { Supervision } from "./supervision.ts";

/** What {@link createReload} works with. */
export interface ReloadOptions {
  /** Reads the configuration. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  readonly context: DaemonContext;
  readonly supervision: Pick<Supervision, "reloading" | "ready">;
  /** The configuration the daemon was started with. */
  readonly started: Config;
  readonly engine: () => Engine;
  /** Counts answers for the pages of a configuration; `undefined` if it has none. */
  readonly countsFor: (config: Config) => EngineContext["counts"];
  /** Open the addresses of a configuration. */
  readonly addresses: readonly ((config: Config) => Promise<AddressChange>)[];
  /** Puts a new engine and its configuration in the place of the old ones. */
  readonly takeOver: (next: Engine, config: Config) => void;
}

/** Keys of what is made once, at the start. */
const FIXED: ReadonlySet<string> = new Set([
  "cache.file",
  "cache.allow_unsafe_directory",
  "report.feed",
]);

/** Without a cache file, the store in memory has these bounds. */
const FIXED_IN_MEMORY: ReadonlySet<string> = new Set([
  "cache.memory_entries",
  "cache.memory_megabytes",
]);

/**
 * Creates the reload.
 *
 * @returns A function for the signal. Calls during a reload lead to one more reload after it.
 */
export function createReload(options: ReloadOptions): () => void {
  const { context: { log, reloads }, supervision } = options;
  let running = options.started;
  let last: Promise<void> = Promise.resolve();
  let waiting = false;

  async function reload(): Promise<void> {
    waiting = false;
    supervision.reloading();
    try {
      running = await replaceRunning(options, running);
    } catch (error) {
      const reason = messageOf(error);
      reloads.refuse(reason);
      log.error("reload refused: the running configuration stays", { reason });
    } finally {
      supervision.ready();
    }
  }

  return () => {
    if (waiting) return;
    waiting = true;
    last = last.then(reload);
  };
}

/**
 * Reads the configuration and puts it in the place of the running one.
 *
 * @returns It.
 * @throws {Error} For anything wrong with it, with one line for the operator; everything is as it was then.
 */
async function replaceRunning(options: ReloadOptions, running: Config): Promise<Config> {
  const { context, started } = options;
  const { config, notes } = options.read();
  const change = await changeAll(options.addresses.map((open) => () => open(config)));
  const { roots } = options.engine().network;
  const engine = await startNext(options, { config, change });
  // From here on it answers: nothing may stop it any more.
  options.takeOver(engine, config);
  change.apply();
  context.log.adjust(config.log);
  logNotes(notes, context.log);
  context.reloads.accept();
  context.log.info("reloaded", {
    config: config.file ?? "embedded defaults",
    changed: changedKeys(running, config).join(" ") || "nothing",
    ca: engine.network.roots.file ?? engine.network.roots.source,
  });
  const keys = keysForNextStart(started, config);
  if (engine.network.roots === roots) keys.push("tls.ca");
  if (keys.length > 0) {
    context.log.warn("settings take effect at the next start", { keys: keys.join(" ") });
  }
  return config;
}

/**
 * Starts the engine last: a gauge that it declares reads the new engine from then on.
 *
 * @throws {UsageError} If it cannot be started; the change of addresses is withdrawn then.
 */
async function startNext(
  { context, engine, countsFor }: ReloadOptions,
  { config, change }: { config: Config; change: AddressChange },
): Promise<Engine> {
  const { roots } = engine().network;
  try {
    return await startEngine(config, { ...context, roots, counts: countsFor(config) });
  } catch (error) {
    change.withdraw();
    throw error;
  }
}

/** The keys whose new values this process cannot take over. */
function keysForNextStart(started: Config, config: Config): string[] {
  const isInMemory = started.cache.file === undefined;
  return changedKeys(started, config)
    .filter((key) => FIXED.has(key) || isInMemory && FIXED_IN_MEMORY.has(key));
}
