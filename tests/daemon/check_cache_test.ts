/**
 * Checks for pages: in the background, few at once, kept for a while.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { CHECK_FRESH_MS, CHECK_MS, createCheckCache } from "../../src/daemon/check_cache.ts";
import type { SeenNow } from "../../src/status/check_seen.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

/** A cache over checks that end by hand. */
function harness() {
  const clock = new ManualClock();
  const running = new Map<string, PromiseWithResolvers<SeenNow>>();
  const started: string[] = [];
  const warned: unknown[] = [];
  const cache = createCheckCache({
    clock,
    log: { warn: (_event, fields) => warned.push(fields) },
    check(domain) {
      started.push(domain);
      const result = Promise.withResolvers<SeenNow>();
      running.set(domain, result);
      return result.promise;
    },
  });
  const end = async (domain: string) => {
    running.get(domain)!.resolve({ at: clock.now(), undecided: false, findings: [], mxHosts: [] });
    await settle();
  };
  return { clock, running, started, warned, cache, end };
}

Deno.test("createCheckCache() checks in the background, and again when the result is old", async () => {
  const { clock, started, cache, end } = harness();
  assertEquals(cache.look("a.test"), { kind: "running" });
  assertEquals(cache.look("a.test"), { kind: "running" });
  await end("a.test");
  const first = cache.look("a.test");
  assert(first.kind === "seen" && !first.isRunning);
  await clock.advance(CHECK_FRESH_MS - 1);
  cache.look("a.test");
  await settle();
  assertEquals(started, ["a.test"]);
  await clock.advance(1);
  // The old result is shown while the new check runs.
  cache.look("a.test");
  const again = cache.look("a.test");
  assert(again.kind === "seen" && again.isRunning);
  assertEquals(started, ["a.test", "a.test"]);
  await end("a.test");
  const last = cache.look("a.test");
  assert(last.kind === "seen" && !last.isRunning && last.seen.at === clock.now());
});

Deno.test("createCheckCache() runs two checks at once, and lets twenty wait", async () => {
  const { started, cache, end } = harness();
  const domains = Array.from({ length: 100 }, (_, index) => `d${index}.test`);
  for (const domain of domains) assertEquals(cache.look(domain).kind, "running");
  await settle();
  assertEquals(started.length, 2);
  for (const domain of domains.slice(0, 22)) await end(domain);
  assertEquals(started, domains.slice(0, 22));
  assertEquals(cache.look("d99.test").kind, "running");
  await settle();
  assertEquals(started.at(-1), "d99.test");
});

Deno.test("createCheckCache() gives up a check that hangs or fails, and tries again later", async () => {
  const { clock, running, started, warned, cache } = harness();
  cache.look("a.test");
  await clock.advance(CHECK_MS);
  const hung = cache.look("a.test");
  assert(hung.kind === "failed");
  assertEquals(hung.reason, "it took too long");
  await clock.advance(4 * 60_000);
  cache.look("a.test");
  await settle();
  assertEquals(started.length, 1);
  await clock.advance(60_000);
  cache.look("a.test");
  await settle();
  running.get("a.test")!.reject(new Error("no roots"));
  await settle();
  const failed = cache.look("a.test");
  assert(failed.kind === "failed");
  assertEquals([failed.reason, warned], ["no roots", [{ reason: "no roots" }]]);
});

Deno.test("createCheckCache() says so if nobody checks", () => {
  const cache = createCheckCache({
    check: undefined,
    clock: new ManualClock(),
    log: { warn() {} },
  });
  assertEquals(cache.look("a.test"), { kind: "off" });
});
