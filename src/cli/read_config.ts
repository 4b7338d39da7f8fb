/**
 * Reads the configuration for a command, and the address of the daemon from it.
 *
 * @module
 */

import { ENDPOINT_FORM, parseEndpoint, toListenAddress } from "../base/address.ts";
import { loadConfig } from "../config/load.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { ListenAddress } from "../config/types.ts";
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

/**
 * The address to query the daemon at: `--socket`, else the first address that it listens on.
 *
 * @throws {UsageError} If there is none, or `--socket` is not an address.
 */
export function daemonAddress(args: CommandArgs, io: Io): ListenAddress {
  const { listen, socketMode } = readConfig(args.value("config"), io).config;
  const socket = args.value("socket");
  if (socket === undefined) {
    const [address] = listen;
    if (address === undefined) {
      throw new UsageError("'listen' in the configuration is empty: name the daemon with --socket");
    }
    return address;
  }
  const address = parseEndpoint(socket);
  if (address !== undefined) return toListenAddress(address, socketMode);
  throw new UsageError(`'--socket' takes ${ENDPOINT_FORM}: given '${socket}'`);
}
