/**
 * Reloads of the daemons whose sockets, file and network stay as they are: `report serve` and `report receive`.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import type { AdjustableLog } from "../base/log.ts";
import { changedKeys } from "../config/changes.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/types.ts";
import { logNotes } from "./config_notes.ts";

/** What {@link reloadSettings} works with. */
export interface ReloadSettingsOptions {
  /** Reads the configuration. @throws {UsageError} For mistakes in it. */
  readonly read: () => LoadedConfig;
  /** The configuration that counts now. */
  readonly running: Config;
  readonly log: AdjustableLog;
  /** Keys, and beginnings of keys, that take effect only at a start. */
  readonly fixed: readonly string[];
}

/**
 * Reads the configuration again. A refused one changes nothing.
 *
 * @returns The configuration that counts from now on.
 */
export function reloadSettings({ read, running, log, fixed }: ReloadSettingsOptions): Config {
  try {
    const { config, notes } = read();
    log.adjust(config.log);
    logNotes(notes, log);
    const keys = changedKeys(running, config)
      .filter((key) => fixed.some((beginning) => key.startsWith(beginning)));
    if (keys.length > 0) {
      log.warn("settings take effect at the next start", { keys: keys.join(" ") });
    }
    log.info("reloaded", { config: config.file ?? "embedded defaults" });
    return config;
  } catch (error) {
    const reason = messageOf(error);
    log.error("reload refused: the running configuration stays", { reason });
    return running;
  }
}
