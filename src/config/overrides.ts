/**
 * Options of the command line that stand above the configuration file.
 *
 * @module
 */

import * as v from "valibot";
import { toListenAddress } from "./address.ts";
import { formatFound } from "./document.ts";
import { KEYS, LOG_KEYS } from "./schema.ts";
import type { Config } from "./types.ts";
import { UsageError } from "./usage_error.ts";

/** What the command line may say, in the form of the file. */
export interface Overrides {
  /** An empty list says nothing. */
  readonly listen?: readonly string[];
  /** A file, whose path may be relative here, or `memory`. */
  readonly cache?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/**
 * Lays options of the command line over a configuration.
 *
 * @throws {UsageError} For the first value that is not allowed, after the name of its option:
 * `--listen`, `--cache`, `--log-level` or `--log-format`.
 */
export function applyOverrides(config: Config, overrides: Overrides): Config {
  const { listen = [], cache, logLevel, logFormat } = overrides;
  const endpoints = listen.length === 0 ? undefined : read("--listen", listen, KEYS.listen);
  if (cache === "") throw new UsageError('--cache: must be memory or a path, found ""');
  return {
    ...config,
    listen: endpoints?.map((endpoint) => toListenAddress(endpoint, config.socketMode)) ??
      config.listen,
    cache: cache === undefined
      ? config.cache
      : { ...config.cache, file: cache === "memory" ? undefined : cache, explicit: true },
    log: {
      level: read("--log-level", logLevel, LOG_KEYS.level) ?? config.log.level,
      format: read("--log-format", logFormat, LOG_KEYS.format) ?? config.log.format,
    },
  };
}

/** Reads a value as the key of the file is read; `undefined` if there is none. */
function read<Schema extends v.GenericSchema>(
  option: string,
  value: unknown,
  schema: Schema,
): v.InferOutput<Schema> | undefined {
  if (value === undefined) return undefined;
  const result = v.safeParse(schema, value, { abortPipeEarly: true });
  if (result.success) return result.output;
  const { message, input } = result.issues[0];
  throw new UsageError(`${option}: ${message}, found ${formatFound(input)}`);
}
