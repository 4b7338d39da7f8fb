/**
 * Writes policies and next hops to the cache file named on the command line, one after the other, and prints
 * the number of each when the store has taken it, until it is killed.
 *
 * @module
 */

import { createSqliteStore } from "../../src/cache/sqlite_store.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { policyOf, START } from "./harness.ts";

function fail(event: string): never {
  throw new Error(event);
}

if (import.meta.main) {
  const [path = "", first = "0"] = Deno.args;
  const store = createSqliteStore({
    path,
    log: { debug() {}, info() {}, warn: fail, error: fail, enabled: () => true },
    metrics: createMetrics(),
    now: () => START,
  });
  const encoder = new TextEncoder();
  for (let number = parseInt(first, 10);; number++) {
    store.putPolicy(policyOf(`d${number}.example`));
    // As in operation, so that some kills come between the two.
    store.putMx({ nextHop: `d${number}.example`, json: "{}", checkedAt: START });
    // The checkpoint is what a kill could do most harm to.
    if (number % 50 === 0) store.flush();
    Deno.stdout.writeSync(encoder.encode(`${number}\n`));
  }
}
