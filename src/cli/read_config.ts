/**
 * Reads the configuration for a command.
 *
 * @module
 */

import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Io } from "./command.ts";

/**
 * Reads the configuration file, or the first of the default ones, or the embedded defaults.
 *
 * @param file As named with `--config`.
 * @param io Where the environment is read.
 * @throws {UsageError} If the file cannot be read or has mistakes; one line for each.
 */
export function readConfig(file: string | undefined, io: Pick<Io, "env">): LoadedConfig {
  return loadConfig({
    ...(file === undefined ? {} : { file }),
    readTextFile: Deno.readTextFileSync,
    env: io.env,
  });
}
