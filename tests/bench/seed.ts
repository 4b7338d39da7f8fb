/**
 * Cache files with many domains in them, as the daemon would have written them.
 *
 * @module
 */

import { CacheFile } from "../../src/cache/cache_file.ts";
import type { StoredPolicy } from "../../src/cache/types.ts";
import { expiryOf, formatPolicy, readPolicyFile } from "../../src/sts/policy.ts";

/** Policies live a week. */
const MAX_AGE_SECONDS = 604_800;

const HOUR_MS = 3_600_000;

/** Opens a cache file that may lie anywhere. @throws {Error} If a row in it is not believed. */
export function openSeed(path: string): CacheFile {
  return new CacheFile(path, {
    now: Date.now,
    maxFileOctets: 4 * 1024 ** 3,
    allowUnsafeDirectory: true,
    onBadRow: (table) => {
      throw new Error(`Row of ${table} refused`);
    },
  });
}

/** The enforced policy of `d0.bench.test`, or of another number, which is not due for a fetch within the hour. */
export function policyOf(number: number): StoredPolicy {
  const now = Date.now();
  const domain = `d${number}.bench.test`;
  const mx = [`mx1.${domain}`, `*.mail.${domain}`];
  // Spread over the past day and the next, as in a daemon that has run for long.
  const age = (number * 7919) % (23 * HOUR_MS);
  const file = readPolicyFile(formatPolicy({ mode: "enforce", mx, maxAge: MAX_AGE_SECONDS }));
  return {
    domain,
    id: "20250101T000000",
    ...file,
    fetchedAt: now - age,
    expiresAt: expiryOf(file.policy, now - age),
    lastUsedAt: now - HOUR_MS,
    refreshAt: now + 24 * HOUR_MS - age,
  };
}

/**
 * Writes policies, each with a view of its MX hosts that stays fresh for a day, so that an answer needs no
 * lookup of them.
 *
 * @param path The file, which must not exist.
 * @param count Domains.
 * @returns Seconds it took, and octets of the file.
 */
export function seed(path: string, count: number): { seconds: number; octets: number } {
  const started = Date.now();
  const file = openSeed(path);
  file.transaction(() => {
    for (let number = 0; number < count; number++) {
      const policy = policyOf(number);
      file.putPolicy(policy);
      const { domain } = policy;
      const view = { dane: "unchecked", hosts: [`mx1.${domain}`], life: 24 * HOUR_MS };
      file.putMx({ nextHop: domain, json: JSON.stringify(view), checkedAt: started });
    }
  });
  file.close();
  return { seconds: (Date.now() - started) / 1000, octets: Deno.statSync(path).size };
}
