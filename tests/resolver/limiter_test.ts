import { assertEquals } from "@std/assert";
import { createLimiter } from "../../src/resolver/limiter.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

Deno.test("createLimiter() runs no more at once than allowed, urgent work first", async () => {
  const limiter = createLimiter(2, new ManualClock());
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve) => ends.push(() => resolve(name)));
  };
  const results = ["a", "b", "c"].map((name) => limiter.run(work(name), false));
  results.push(limiter.run(work("urgent"), true));
  await settle();
  assertEquals(started, ["a", "b"]);
  assertEquals(limiter.load(), { running: 2, waiting: 2 });
  ends[0]?.();
  await settle();
  assertEquals(started, ["a", "b", "urgent"]);
  for (const _ of [1, 2, 3]) {
    for (const end of ends) end();
    await settle();
  }
  assertEquals(await Promise.all(results), ["a", "b", "c", "urgent"]);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});

Deno.test("createLimiter() gives the place back when work fails", async () => {
  const limiter = createLimiter(1, new ManualClock());
  const failed = limiter.run(() => Promise.reject(new Error("no")), false);
  const next = limiter.run(() => Promise.resolve("next"), false);
  assertEquals(await failed?.catch(() => "failed"), "failed");
  assertEquals(await next, "next");
});

Deno.test("createLimiter() begins a flood of work bit by bit, and urgent work at once", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(1000, clock);
  let started = 0;
  const flood = Array.from(
    { length: 100 },
    () => limiter.run(() => Promise.resolve(started++), false),
  );
  await settle();
  assertEquals(started, 10);
  let urgent = false;
  await limiter.run(() => Promise.resolve(urgent = true), true);
  assertEquals([urgent, started], [true, 10]);
  // As long as the process keeps up, each slice begins a few more than the one before.
  await clock.advance(10);
  assertEquals(started, 25);
  await clock.advance(10);
  assertEquals(started, 45);
  await clock.advance(30);
  await Promise.all(flood);
  assertEquals(started, 100);
  await clock.advance(10);
  assertEquals(clock.pending, 0);
});

Deno.test("createLimiter() begins half as many when the process cannot keep up", async () => {
  const clock = new ManualClock();
  let lag = 0;
  const lagging = {
    now: () => clock.now() + lag,
    setTimer: (callback: () => void, delay: number) => clock.setTimer(callback, delay),
  };
  const limiter = createLimiter(1000, lagging);
  let started = 0;
  const flood = Array.from(
    { length: 500 },
    () => limiter.run(() => Promise.resolve(started++), false),
  );
  await clock.advance(40);
  assertEquals(started, 10 + 15 + 20 + 25 + 30);
  lag += 100;
  await clock.advance(10);
  assertEquals(started, 100 + 15);
  lag += 100;
  await clock.advance(10);
  assertEquals(started, 115 + 10);
  await clock.advance(1000);
  await Promise.all(flood);
});

Deno.test("createLimiter() refuses work when 10,000 wait", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(1, clock);
  let end = () => {};
  const first = limiter.run(() => new Promise<void>((resolve) => (end = resolve)), false);
  const waiting = Array.from({ length: 10_000 }, () => limiter.run(() => Promise.resolve(), false));
  assertEquals(limiter.run(() => Promise.resolve(), false), undefined);
  assertEquals(limiter.run(() => Promise.resolve(), true), undefined);
  await settle();
  end();
  await clock.advance(10_000);
  await Promise.all([first, ...waiting]);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});
