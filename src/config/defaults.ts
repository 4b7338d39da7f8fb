/**
 * Where the configuration file and the cache file are if the operator names none. The other
 * defaults are stated with the keys, see `keys.ts`.
 *
 * @module
 */

/** Configuration files, in the order in which they are tried; the second is postfix-mta-sts-resolver's. */
export const CONFIG_FILES: readonly string[] = [
  "/etc/mta-sts-resolver.yml",
  "/etc/mta-sts-daemon.yml",
];

/** Where Postfix's queries are answered; what `mta-sts-resolver.socket` holds. */
export const DEFAULT_LISTEN = "inet:127.0.0.1:8461";

/** Reads a variable of the environment. */
export type Environment = (name: string) => string | undefined;

/**
 * The default cache file: in systemd's state directory, else in that of the XDG Base Directory
 * Specification.
 *
 * @returns An absolute path; `undefined` if the environment names no directory.
 */
export function defaultCacheFile(env: Environment): string | undefined {
  return stateFile(env, "cache.db");
}

/** The default report file, in the same directory. */
export function defaultReportFile(env: Environment): string | undefined {
  return stateFile(env, "reports.db");
}

/** The default file of received reports, in the same directory. */
export function defaultReceivedFile(env: Environment): string | undefined {
  return stateFile(env, "received.db");
}

function stateFile(env: Environment, name: string): string | undefined {
  // Set for a unit with `StateDirectory=`; colons separate several directories.
  const stateDirectory = env("STATE_DIRECTORY")?.split(":")[0];
  if (stateDirectory) return `${stateDirectory}/${name}`;
  const stateHome = env("XDG_STATE_HOME");
  // The specification says to ignore relative paths.
  if (stateHome?.startsWith("/")) return `${stateHome}/mta-sts-resolver/${name}`;
  const home = env("HOME");
  if (home?.startsWith("/")) return `${home}/.local/state/mta-sts-resolver/${name}`;
  return undefined;
}
