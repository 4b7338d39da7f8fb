/**
 * Where things are when the operator does not say: the configuration file and the cache file.
 * The defaults of the keys stand with the keys, in `schema.ts`.
 *
 * @module
 */

/** Configuration files in the order in which they are looked for; the second is postfix-mta-sts-resolver's. */
export const CONFIG_FILES: readonly string[] = [
  "/etc/mta-sts-resolver.yml",
  "/etc/mta-sts-daemon.yml",
];

/** Reads a variable of the environment. */
export type Environment = (name: string) => string | undefined;

/**
 * The default cache file: in systemd's state directory, else where the XDG Base Directory
 * Specification puts state.
 *
 * @returns An absolute path; `undefined` if the environment names no place.
 */
export function defaultCacheFile(env: Environment): string | undefined {
  // Set for a unit with `StateDirectory=`; several directories are separated by colons.
  const stateDirectory = env("STATE_DIRECTORY")?.split(":")[0];
  if (stateDirectory) return `${stateDirectory}/cache.db`;
  const stateHome = env("XDG_STATE_HOME");
  // That specification has relative paths ignored.
  if (stateHome?.startsWith("/")) return `${stateHome}/mta-sts-resolver/cache.db`;
  const home = env("HOME");
  if (home?.startsWith("/")) return `${home}/.local/state/mta-sts-resolver/cache.db`;
  return undefined;
}
