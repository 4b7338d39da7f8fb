/**
 * What the fault runs have in common: the daemon's configuration, and the reckoning at the end.
 *
 * @module
 */

import { startDaemon } from "../fakes/daemon.ts";
import type { Outside } from "../fakes/daemon.ts";

/** Checks come due while a fault lasts, and time-outs are over before it ends. Durations in seconds. */
const SETTINGS = "recheck: 1\nnegative_ttl: 1";
const TIMEOUT = "timeout: 2";

/** Makes a private directory for the cache. @returns The path of the cache file in it. */
export async function makeCacheDirectory(outside: Outside): Promise<string> {
  await Deno.mkdir(`${outside.directory}/cache`, { mode: 0o700 });
  return `${outside.directory}/cache/cache.db`;
}

/** Writes the configuration. @returns The path of the file. */
export async function configure(outside: Outside, cacheFile: string): Promise<string> {
  const path = await outside.configure(SETTINGS);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(
    path,
    text.replace(/^cache: .*$/m, `cache: { file: "${cacheFile}" }`)
      .replace("timeout: 20", TIMEOUT)
      .replace(/^https: \{ /m, `https: { ${TIMEOUT}, `),
  );
  return path;
}

/**
 * Starts another daemon with DNS switched off and asks for every domain.
 *
 * @param expected The reply to each domain.
 * @returns How many replies differ.
 */
export async function countLost(
  { outside, config }: { outside: Outside; config: string },
  expected: ReadonlyMap<string, string>,
): Promise<number> {
  outside.disturb = () => ({ rcode: "SERVFAIL" });
  await using daemon = await startDaemon({ config });
  const replies = await daemon.query(...expected.keys());
  outside.disturb = undefined;
  return [...expected.values()].filter((reply, index) => reply !== replies[index]).length;
}
