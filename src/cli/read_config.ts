/**
 * Reads the configuration for a command.
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

/**
 * Where the daemon is to be asked: `--socket`, else the first address of the configuration.
 *
 * @throws {UsageError} If the address is not of its form.
 */
export function daemonAddress(args: CommandArgs, io: Io): ListenAddress {
  const { listen, socketMode } = readConfig(args.value("config"), io).config;
  const socket = args.value("socket");
  if (socket === undefined) {
    const [address] = listen;
    if (address === undefined) throw new UsageError("the configuration listens nowhere");
    return address;
  }
  const address = parseEndpoint(socket);
  if (address !== undefined) return toListenAddress(address, socketMode);
  throw new UsageError(`'--socket' takes ${ENDPOINT_FORM}: given '${socket}'`);
}
