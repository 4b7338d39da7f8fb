/**
 * Reload: the new configuration is read, checked and started beside the running one. It takes over
 * once nothing can fail any more. If anything is wrong with it, everything stays as it was.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { logNotes } from "./config_notes.ts";
import type { DaemonContext } from "./context.ts";
import { startEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import type { Listeners } from "./listeners.ts";
import type { Supervision } from "./supervision.ts";

/** What {@link createReload} works with. */
export interface ReloadOptions {
  /** Reads the configuration. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  readonly context: DaemonContext;
  readonly listeners: Pick<Listeners, "open">;
  readonly supervision: Pick<Supervision, "reloading" | "ready">;
  /** The configuration the daemon was started with. */
  readonly running: Config;
  /** Puts the new engine in the place of the old one. */
  readonly takeOver: (next: Engine) => void;
}

/** Settings that take effect at a start only, with the name of their key. */
const FIXED: readonly (readonly [string, (config: Config) => unknown])[] = [
  ["cache", (config) => config.cache.file],
  ["tls.ca", (config) => config.https.ca],
  ["log", ({ log: { answers: _, ...log } }) => log],
  ["limits", ({ limits: { discoveries: _, ...limits } }) => limits],
  ["http", (config) => config.http],
  ["control", (config) => config.control],
];

/**
 * Creates the reload.
 *
 * @returns A function for the signal. Calls during a reload lead to one more reload after it.
 */
export function createReload(options: ReloadOptions): () => void {
  const { context, running } = options;
  let last: Promise<void> = Promise.resolve();
  let waiting = false;

  async function reload(): Promise<void> {
    waiting = false;
    options.supervision.reloading();
    try {
      const { config, notes } = options.read();
      const engine = await startEngine(config, context);
      try {
        const closeOld = await options.listeners.open(config.listen);
        options.takeOver(engine);
        closeOld();
      } catch (error) {
        engine.stop();
        throw error;
      }
      logNotes(notes, context.log);
      warnOfFixed(config, { running, log: context.log });
      context.reloads.accept();
      context.log.info("reloaded", { config: config.file ?? "embedded defaults" });
    } catch (error) {
      const reason = messageOf(error);
      context.reloads.refuse(reason);
      context.log.error("reload refused: the running configuration stays", { reason });
    } finally {
      options.supervision.ready();
    }
  }

  return () => {
    if (waiting) return;
    waiting = true;
    last = last.then(reload);
  };
}

/** Warns of each changed setting that this process cannot take over. */
function warnOfFixed(config: Config, { running, log }: { running: Config; log: Log }): void {
  for (const [key, value] of FIXED) {
    if (JSON.stringify(value(config)) !== JSON.stringify(value(running))) {
      log.warn("setting takes effect at the next start", { key });
    }
  }
}
