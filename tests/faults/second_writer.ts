/**
 * A second process on a cache file: stores policies as fast as it can, until it is killed.
 *
 * Run as: second_writer.ts CACHE_FILE
 *
 * @module
 */

import { createSqliteStore } from "../../src/cache/sqlite_store.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { expiryOf, readPolicyFile } from "../../src/sts/policy.ts";

const FILE = readPolicyFile(
  "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n",
);

/** Policies between two pauses, in which others have their turn. */
const BURST = 200;

const [path = ""] = Deno.args;
const store = createSqliteStore({
  path,
  log: createLog({ level: "error", format: "text" }),
  metrics: createMetrics(),
  now: Date.now,
});
for (let serial = 0;; serial++) {
  const now = Date.now();
  store.putPolicy({
    domain: `second${serial % 5000}.example`,
    id: "1",
    ...FILE,
    fetchedAt: now,
    expiresAt: expiryOf(FILE.policy, now),
    lastUsedAt: now,
    refreshAt: now + 86_400_000,
  });
  if (serial % BURST === 0) {
    store.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
