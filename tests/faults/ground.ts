/**
 * What the fault runs have in common: the daemon's configuration, and the reckoning at the end.
 *
 * @module
 */

import { startDaemon } from "../fakes/daemon.ts";
import type { Daemon, Outside } from "../fakes/daemon.ts";

/** Checks come due while a fault lasts, and time-outs are over before it ends. Durations in seconds. */
const NEGATIVE_TTL_MS = 1000;
const LEARN_TRIES = 5;
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
      .replace("timeout: 8", TIMEOUT)
      .replace(/^https: \{ /m, `https: { ${TIMEOUT}, `),
  );
  return path;
}

/**
 * Has a daemon learn the policies of domains.
 *
 * @returns The reply to each domain from then on.
 * @throws {Error} If a domain is not learned in some tries, as on a machine that is far too busy.
 */
export async function learn(
  { outside, daemon }: { outside: Outside; daemon: Daemon },
  domains: readonly string[],
): Promise<Map<string, string>> {
  const replies = new Map<string, string>();
  for (const domain of domains) {
    for (let id = 1;; id++) {
      // A fetch that failed is not repeated for the same id.
      outside.publish(domain, { id: `${id}` });
      const [reply = ""] = await daemon.query(domain);
      if (reply.startsWith("OK ")) {
        replies.set(domain, reply);
        break;
      }
      if (id === LEARN_TRIES) throw new Error(`Not learned: ${domain}: ${reply}`);
      await new Promise((resolve) => setTimeout(resolve, NEGATIVE_TTL_MS));
    }
  }
  return replies;
}

/**
 * Starts another daemon with DNS switched off and asks for every domain.
 *
 * @param expected The reply to each domain.
 * @returns How many replies differ; each is printed.
 */
export async function countLost(
  { outside, config }: { outside: Outside; config: string },
  expected: ReadonlyMap<string, string>,
): Promise<number> {
  outside.disturb = () => ({ rcode: "SERVFAIL" });
  await using daemon = await startDaemon({ config });
  const replies = await daemon.query(...expected.keys());
  outside.disturb = undefined;
  const lost = [...expected].filter(([, reply], index) => reply !== replies[index]);
  for (const [domain, reply] of lost) {
    const index = [...expected.keys()].indexOf(domain);
    console.log(`lost: ${domain}: ${JSON.stringify({ expected: reply, found: replies[index] })}`);
  }
  return lost.length;
}
