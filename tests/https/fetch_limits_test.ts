import { assert, assertEquals } from "@std/assert";
import { createFetchLimits } from "../../src/https/fetch_limits.ts";
import { settle } from "../fakes/manual_clock.ts";

const FOREVER = new AbortController().signal;

/** Acquires for a list of addresses each, and tells who has a place. */
function startAll(
  options: { concurrency: number; perAddress: number },
  wanted: readonly (readonly string[])[],
) {
  const limits = createFetchLimits(options);
  const started: number[] = [];
  const places = wanted.map((addresses, index) =>
    limits.acquire(addresses, FOREVER).then((release) => {
      assert(release !== undefined);
      started.push(index);
      return release;
    })
  );
  return {
    limits,
    /** Who has started since the last call. */
    async next(): Promise<number[]> {
      await settle();
      return started.splice(0);
    },
    async release(index: number): Promise<void> {
      (await places[index])?.();
    },
  };
}

Deno.test("createFetchLimits() bounds the fetches in all, first come, first served", async () => {
  const { limits, next, release } = startAll(
    { concurrency: 2, perAddress: 2 },
    [["a"], ["b"], ["c"], ["d"]],
  );
  assertEquals(await next(), [0, 1]);
  assertEquals(limits.running(), 2);
  await release(1);
  assertEquals(await next(), [2]);
  await release(0);
  assertEquals(await next(), [3]);
  await release(2);
  await release(3);
  assertEquals(limits.running(), 0);
});

Deno.test("createFetchLimits() bounds the fetches to an address without holding up others", async () => {
  const { next, release } = startAll(
    { concurrency: 3, perAddress: 1 },
    [["a"], ["a"], ["a", "b"], ["c"], ["b"]],
  );
  assertEquals(await next(), [0, 3, 4]);
  // Someone waits for both a and b.
  await release(0);
  assertEquals(await next(), [1]);
  await release(1);
  assertEquals(await next(), []);
  await release(4);
  assertEquals(await next(), [2]);
});

Deno.test("createFetchLimits() ends a wait with its signal, and forgets it", async () => {
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1 });
  const release = await limits.acquire(["a"], FOREVER);
  const controller = new AbortController();
  const waiting = limits.acquire(["a"], controller.signal);
  const next = limits.acquire(["a"], FOREVER);
  controller.abort();
  assertEquals(await waiting, undefined);
  assertEquals(await limits.acquire(["b"], controller.signal), undefined);
  release?.();
  assert(await next !== undefined);
  assertEquals(limits.running(), 1);
});

Deno.test("createFetchLimits() turns away whom it could not serve in time", async () => {
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1 });
  const controller = new AbortController();
  await limits.acquire(["a"], FOREVER);
  const waiting = Array.from({ length: 1000 }, () => limits.acquire(["a"], controller.signal));
  assertEquals(await limits.acquire(["a"], FOREVER), undefined);
  controller.abort();
  assert((await Promise.all(waiting)).every((place) => place === undefined));
});
