/**
 * Reads the configuration for a command, and the address of the daemon from it.
 *
 * @module
 */

import { type Endpoint, ENDPOINT_FORM, parseEndpoint } from "../base/address.ts";
import { DEFAULT_LISTEN } from "../config/defaults.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/load.ts";
import { UsageError } from "../config/usage_error.ts";
import type { CommandArgs, Io } from "./command.ts";

/**
 * Reads the named file, else the first of the default files that exists, else the embedded defaults.
 *
 * @param file The value of `--config`.
 * @param io Gives access to the environment.
 * @throws {UsageError} If the file cannot be read or has mistakes; one line for each.
 */
export function readConfig(file: string | undefined, io: Pick<Io, "env">): LoadedConfig {
  return loadConfig({
    ...(file === undefined ? {} : { file }),
    readTextFile: Deno.readTextFileSync,
    env: io.env,
  });
}

/** Where the daemon is to be queried. */
export interface DaemonAddress {
  readonly listen: Endpoint;
  /** Its HTTP surface, unless the daemon was named with `--socket`. */
  readonly http: Endpoint | undefined;
}

/**
 * Where to query the daemon: `--socket`, for which no configuration is read; else the first address that it
 * listens on. A configuration with mistakes does not count: its default does, as a line on standard error says.
 *
 * @throws {UsageError} If `--socket` is not an address.
 */
export function daemonAddress(args: CommandArgs, io: Io): DaemonAddress {
  const socket = args.value("socket");
  if (socket !== undefined) {
    const listen = parseEndpoint(socket);
    if (listen !== undefined) return { listen, http: undefined };
    throw new UsageError(`'--socket' takes ${ENDPOINT_FORM}: given '${socket}'`);
  }
  const fallback = parseEndpoint(DEFAULT_LISTEN)!;
  try {
    const { listen, http } = readConfig(args.value("config"), io).config;
    return { listen: listen[0] ?? fallback, http: http[0] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const [mistake] = error.message.split("\n");
    io.err(`asking ${DEFAULT_LISTEN}, as the configuration cannot be used: ${mistake}`);
    return { listen: fallback, http: undefined };
  }
}
