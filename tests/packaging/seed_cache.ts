/**
 * Puts a policy into a cache file, as if it had been fetched just now: `seed_cache.ts FILE DOMAIN`.
 *
 * @module
 */

import { createSqliteStore } from "../../src/cache/sqlite_store.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { expiryOf, readPolicyFile } from "../../src/sts/policy.ts";

const [path, domain] = Deno.args as [string, string];
const now = Date.now();
const store = createSqliteStore({
  path,
  log: createLog({ level: "warn", format: "text" }),
  metrics: createMetrics(),
  now: () => now,
});
const file = readPolicyFile(
  `version: STSv1\nmode: enforce\nmx: mail.${domain}\nmax_age: 86400\n`,
);
store.putPolicy({
  domain,
  id: "1",
  ...file,
  fetchedAt: now,
  expiresAt: expiryOf(file.policy, now),
  lastUsedAt: now,
  refreshAt: now + 3_600_000,
});
const { kind } = store.health();
store.close();
if (kind !== "ok") throw new Error(`The cache file cannot be used: ${path}`);
