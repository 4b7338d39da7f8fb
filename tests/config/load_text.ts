/**
 * Loads configurations from text, for the tests of this folder.
 *
 * @module
 */

import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";

/** Loads a configuration file of this text, called `test.yml`, in this environment. */
export function loadText(text: string, env: Record<string, string> = {}): LoadedConfig {
  return loadConfig({ file: "test.yml", readTextFile: () => text, env: (name) => env[name] });
}
