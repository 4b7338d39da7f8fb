import { assert, assertEquals } from "@std/assert";
import { createFetchLimits } from "../../src/https/fetch_limits.ts";
import type { FetchLimits } from "../../src/https/fetch_limits.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

/** A fetch that waits as long as it has to, and does not give way. */
const PATIENT = { signal: new AbortController().signal, giveWay() {} };

/** Acquires for a list of addresses each, and tells who has a place. */
function startAll(
  options: { concurrency: number; perAddress: number },
  wanted: readonly (readonly string[])[],
) {
  const limits = createFetchLimits({ ...options, clock: new ManualClock() });
  const started: number[] = [];
  const places = wanted.map((addresses, index) =>
    limits.acquire(addresses, PATIENT).then((release) => {
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
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1, clock: new ManualClock() });
  const release = await limits.acquire(["a"], PATIENT);
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = limits.acquire(["a"], { ...PATIENT, signal });
  const next = limits.acquire(["a"], PATIENT);
  controller.abort();
  assertEquals(await waiting, undefined);
  assertEquals(await limits.acquire(["b"], { ...PATIENT, signal }), undefined);
  release?.();
  assert(await next !== undefined);
  assertEquals(limits.running(), 1);
});

Deno.test("createFetchLimits() turns away whom it could not serve in time: the one that has waited longest", async () => {
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1, clock: new ManualClock() });
  const controller = new AbortController();
  const { signal } = controller;
  await limits.acquire(["a"], PATIENT);
  const waiting = Array.from({ length: 1000 }, () => limits.acquire(["a"], { ...PATIENT, signal }));
  let last: unknown = "waits";
  limits.acquire(["b"], { ...PATIENT, signal }).then((place) => last = place);
  assertEquals(await waiting[0], undefined);
  assertEquals(last, "waits");
  controller.abort();
  assert((await Promise.all(waiting)).every((place) => place === undefined));
});

/** Fetches that hang until they are made to give way, one to each of the addresses. */
function hangAll(limits: FetchLimits, addresses: readonly string[]): { ended: number[] } {
  const ended: number[] = [];
  addresses.forEach(async (address, index) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const release = await limits.acquire([address], { ...PATIENT, giveWay: resolve });
    await promise;
    release?.();
    ended.push(index);
  });
  return { ended };
}

Deno.test("createFetchLimits() has the oldest fetch give way after two seconds, if another waits", async () => {
  const clock = new ManualClock();
  const limits = createFetchLimits({ concurrency: 2, perAddress: 2, clock });
  const { ended } = hangAll(limits, ["a", "b"]);
  await clock.advance(60_000);
  assertEquals(ended, []);
  const places = [limits.acquire(["c"], PATIENT), limits.acquire(["d"], PATIENT)];
  await settle();
  // One each has given way for one each who waits, and no more.
  assertEquals(ended, [0, 1]);
  assert((await Promise.all(places)).every((place) => place !== undefined));
  const { ended: late } = hangAll(limits, ["e"]);
  await clock.advance(60_000);
  assertEquals([limits.running(), late], [2, []]);
});

Deno.test("createFetchLimits() leaves a fetch its two seconds, and asks it only once", async () => {
  const clock = new ManualClock();
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1, clock });
  let asked = 0;
  const release = await limits.acquire(["a"], { ...PATIENT, giveWay: () => asked++ });
  const next = limits.acquire(["b"], PATIENT);
  await clock.advance(1999);
  assertEquals(asked, 0);
  await clock.advance(10_000);
  assertEquals(asked, 1);
  release?.();
  release?.();
  assert(await next !== undefined);
  assertEquals([limits.running(), clock.pending], [1, 0]);
});

Deno.test("createFetchLimits() has only those give way that stand in the way", async () => {
  const clock = new ManualClock();
  const limits = createFetchLimits({ concurrency: 3, perAddress: 1, clock });
  const { ended } = hangAll(limits, ["a", "b"]);
  await clock.advance(5000);
  const place = limits.acquire(["b"], PATIENT);
  await settle();
  assertEquals(ended, [1]);
  assert(await place !== undefined);
});

Deno.test("createFetchLimits() lets the newest go first once there is a queue", async () => {
  const clock = new ManualClock();
  const limits = createFetchLimits({ concurrency: 1, perAddress: 1, clock });
  const release = await limits.acquire(["a"], PATIENT);
  const started: string[] = [];
  const controller = new AbortController();
  const want = (address: string) =>
    limits.acquire([address], { ...PATIENT, signal: controller.signal }).then((place) => {
      if (place !== undefined) started.push(address);
    });
  const wanted = [want("b"), want("c")];
  await clock.advance(1001);
  wanted.push(want("d"));
  release?.();
  await settle();
  assertEquals(started, ["d"]);
  controller.abort();
  await Promise.all(wanted);
});
