/**
 * Options of the command line that override the configuration file.
 *
 * @module
 */

import * as v from "valibot";
import { toListenAddress } from "../base/address.ts";
import { LOG_KEYS, SOCKET_KEYS } from "./daemon_keys.ts";
import { formatFound } from "./found.ts";
import type { Key } from "./key.ts";
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
 * Overrides a configuration with options of the command line.
 *
 * @throws {UsageError} For the first value that is not allowed, after the name of its option:
 * `--listen`, `--cache`, `--log-level` or `--log-format`.
 */
export function applyOverrides(config: Config, overrides: Overrides): Config {
  const { listen = [], cache, logLevel, logFormat } = overrides;
  const endpoints = listen.length === 0 ? undefined : read("--listen", listen, SOCKET_KEYS.listen);
  if (cache === "") throw new UsageError('--cache: must be memory or a path, found ""');
  return {
    ...config,
    listen: endpoints?.map((endpoint) => toListenAddress(endpoint, config.socketMode)) ??
      config.listen,
    cache: cache === undefined
      ? config.cache
      : { ...config.cache, file: cache === "memory" ? undefined : cache },
    log: {
      ...config.log,
      level: read("--log-level", logLevel, LOG_KEYS.level) ?? config.log.level,
      format: read("--log-format", logFormat, LOG_KEYS.format) ?? config.log.format,
    },
  };
}

/** Reads a value as that of the key is read in the file; `undefined` if there is none. */
function read<Value>(option: string, value: unknown, { schema }: Key<Value>): Value | undefined {
  if (value === undefined) return undefined;
  const result = v.safeParse(schema, value, { abortPipeEarly: true });
  if (result.success) return result.output;
  const { message, input } = result.issues[0];
  throw new UsageError(`${option}: ${message}, found ${formatFound(input)}`);
}
