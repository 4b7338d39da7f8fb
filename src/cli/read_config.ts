/**
 * Reads the configuration for a command.
 *
 * @module
 */

import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/load.ts";
import { applyOverrides } from "../config/overrides.ts";
import type { Overrides } from "../config/overrides.ts";
import type { Io } from "./command.ts";

/**
 * Reads the configuration file, or the first of the default ones, or the embedded defaults.
 *
 * @param file As named with `--config`.
 * @param io Where the environment is read.
 * @param overrides Options of the command line that stand above the file.
 * @throws {UsageError} If the file cannot be read or has mistakes; one line for each.
 */
export function readConfig(
  file: string | undefined,
  io: Pick<Io, "env">,
  overrides: Overrides = {},
): LoadedConfig {
  const loaded = loadConfig({
    ...(file === undefined ? {} : { file }),
    readTextFile: Deno.readTextFileSync,
    env: io.env,
  });
  return { ...loaded, config: applyOverrides(loaded.config, overrides) };
}
