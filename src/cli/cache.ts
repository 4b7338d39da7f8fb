/**
 * `cache …`: the commands about what the daemon holds.
 *
 * @module
 */

import { cacheExportCommand } from "./cache_export.ts";
import { cacheImportCommand } from "./cache_import.ts";
import { cacheListCommand } from "./cache_list.ts";
import { cachePurgeCommand } from "./cache_purge.ts";
import { cacheRefreshCommand } from "./cache_refresh.ts";
import { cacheShowCommand } from "./cache_show.ts";
import type { Command } from "./command.ts";

/** The commands, in the order of the help. */
export const CACHE_COMMANDS: readonly Command[] = [
  cacheListCommand,
  cacheShowCommand,
  cacheRefreshCommand,
  cachePurgeCommand,
  cacheExportCommand,
  cacheImportCommand,
];
