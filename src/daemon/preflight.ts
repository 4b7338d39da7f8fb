/**
 * Finds the mistakes in a configuration that show before anything is opened. `serve`, each reload and
 * `config check` use this file, so that none of them accepts what another refuses.
 *
 * @module
 */

import { type Endpoint, formatEndpoint } from "../base/address.ts";
import type { Config } from "../config/types.ts";
import { UsageError } from "../config/usage_error.ts";
import { checkDirectory } from "../sqlite/file_path.ts";
import { fleetFileMistakes } from "./fleet_files.ts";

/** All addresses of one family, as an address to listen on. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/**
 * Refuses a configuration with mistakes.
 *
 * @param options `anyOwner`: the cache may belong to another user, such as that of the service.
 * @throws {UsageError} One line for each mistake: the key, and what to do.
 */
export function refuseMistakes(
  config: Config,
  options: { readonly anyOwner?: boolean } = {},
): void {
  const mistakes = [
    ...findClashes(config),
    ...findUnsafeCache(config, options),
    ...fleetFileMistakes(config, options),
  ];
  if (mistakes.length === 0) return;
  const name = config.file ?? "defaults";
  throw new UsageError(mistakes.map((mistake) => `${name}: ${mistake}`).join("\n"));
}

/** Addresses that two of our own sockets would have to share. */
function findClashes({ listen, http, control }: Config): string[] {
  const named = [
    ...listen.map((address) => ({ key: "listen", address })),
    ...http.map((address) => ({ key: "http", address })),
    ...control === undefined ? [] : [{ key: "control", address: control }],
  ];
  return named.flatMap(({ key, address }, index) => {
    const other = named.slice(0, index).find((before) => clash(before.address, address));
    // An address that is given twice under one key is opened once.
    if (other === undefined || other.key === key) return [];
    const [mine, theirs] = [address, other.address].map(formatEndpoint);
    const found = mine === theirs ? mine : `${mine} and ${theirs}`;
    return [`${key}: must not share an address with '${other.key}', found ${found}`];
  });
}

function clash(one: Endpoint, other: Endpoint): boolean {
  if (one.kind === "unix" || other.kind === "unix") {
    return formatEndpoint(one) === formatEndpoint(other);
  }
  if (one.port !== other.port || one.port === 0) return false;
  const hosts = [one.hostname, other.hostname];
  return hosts[0] === hosts[1] || hosts.some((host) => WILDCARDS.has(host));
}

function findUnsafeCache({ cache }: Config, options: { readonly anyOwner?: boolean }): string[] {
  if (cache.file === undefined || cache.allowUnsafeDirectory) return [];
  const danger = checkDirectory(cache.file, options);
  if (danger === undefined) return [];
  return [`cache.file: ${danger}, or set 'cache.allow_unsafe_directory: true'`];
}
