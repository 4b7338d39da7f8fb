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
  const results = ["a", "b", "c"].map((name) => limiter.run(work(name)));
  results.push(limiter.run(work("urgent"), { urgent: true }));
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
  const failed = limiter.run(() => Promise.reject(new Error("no")));
  const next = limiter.run(() => Promise.resolve("next"));
  assertEquals(await failed?.catch(() => "failed"), "failed");
  assertEquals(await next, "next");
});

Deno.test("createLimiter() begins a flood of work bit by bit, and urgent work at once", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(1000, clock);
  let started = 0;
  const flood = Array.from(
    { length: 100 },
    () => limiter.run(() => Promise.resolve(started++)),
  );
  await settle();
  assertEquals(started, 10);
  let urgent = false;
  await limiter.run(() => Promise.resolve(urgent = true), { urgent: true });
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
    () => limiter.run(() => Promise.resolve(started++)),
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
  const first = limiter.run(() => new Promise<void>((resolve) => (end = resolve)));
  const waiting = Array.from({ length: 10_000 }, () => limiter.run(() => Promise.resolve()));
  assertEquals(limiter.run(() => Promise.resolve()), undefined);
  assertEquals(limiter.run(() => Promise.resolve(), { urgent: true }), undefined);
  await settle();
  end();
  await clock.advance(10_000);
  await Promise.all([first, ...waiting]);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});

/** Work that goes on until the test ends it. */
function createHanging() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const work = (name: string) => () => {
    started.push(name);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  return {
    started,
    work,
    async endAll(): Promise<void> {
      for (const end of ends.splice(0)) end();
      await settle();
    },
  };
}

Deno.test("createLimiter() lets others in when work has taken a second, up to as many again", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(2, clock);
  const { started, work, endAll } = createHanging();
  for (const name of ["a", "b"]) limiter.run(work(name));
  await clock.advance(5000);
  for (const name of ["c", "d", "e"]) limiter.run(work(name));
  await settle();
  assertEquals(started, ["a", "b", "c", "d"]);
  assertEquals(limiter.load(), { running: 4, waiting: 1 });
  await clock.advance(60_000);
  assertEquals(started.length, 4);
  await endAll();
  assertEquals(started.at(-1), "e");
  await endAll();
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
  await clock.advance(10);
  assertEquals(clock.pending, 0);
});

Deno.test("createLimiter() begins the newest work first once there is a queue", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(1, clock);
  const { started, work, endAll } = createHanging();
  for (const name of ["a", "b", "c"]) limiter.run(work(name));
  await clock.advance(900);
  await endAll();
  assertEquals(started, ["a", "b"]);
  await clock.advance(500);
  limiter.run(work("d"));
  await endAll();
  assertEquals(started, ["a", "b", "d"]);
  for (let round = 0; round < 3; round++) await endAll();
});

Deno.test("createLimiter() gives one owner's domains a quarter of the places, and bounds what waits of them", async () => {
  const clock = new ManualClock();
  const limiter = createLimiter(8, clock);
  const { started, work, endAll } = createHanging();
  const run = (name: string, owner: string) => limiter.run(work(name), { owner });
  for (let index = 0; index < 1002; index++) run(`evil${index}`, "evil.example");
  assertEquals(run("more", "evil.example"), undefined);
  run("other", "other.example");
  limiter.run(work("urgent"), { owner: "evil.example", urgent: true });
  await clock.advance(60_000);
  assertEquals(started, ["evil0", "evil1", "other", "urgent"]);
  await endAll();
  assertEquals(started.slice(4), ["evil2", "evil3"]);
  while (limiter.load().running > 0) {
    await endAll();
    await clock.advance(10);
  }
  assertEquals([started.length, limiter.load().waiting], [1004, 0]);
});

Deno.test("createLimiter() gives the place of work that is away to others, and takes it back first", async () => {
  const limiter = createLimiter(1, new ManualClock());
  const order: string[] = [];
  const returns = Promise.withResolvers<void>();
  const ends = Promise.withResolvers<void>();
  const away = limiter.run(async (place) => {
    place.leave();
    place.leave();
    await returns.promise;
    await place.comeBack();
    await place.comeBack();
    order.push("back");
  });
  const busy = limiter.run(() => ends.promise.then(() => void order.push("busy")));
  const next = limiter.run(() => Promise.resolve(order.push("next")));
  await settle();
  const urgent = limiter.run(() => Promise.resolve(order.push("urgent")), { urgent: true });
  // Two run, one of them away; the others wait for the one place.
  assertEquals(limiter.load(), { running: 2, waiting: 2 });
  returns.resolve();
  await settle();
  assertEquals([order, limiter.load()], [[], { running: 1, waiting: 3 }]);
  ends.resolve();
  await Promise.all([away, busy, next, urgent]);
  assertEquals(order, ["busy", "urgent", "back", "next"]);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});

Deno.test("createLimiter() lets eight times its places be away, and no more", async () => {
  const limiter = createLimiter(2, new ManualClock());
  const end = Promise.withResolvers<void>();
  const all = Array.from({ length: 20 }, () =>
    limiter.run((place) => {
      place.leave();
      return end.promise;
    }, { urgent: true }));
  await settle();
  assertEquals(limiter.load(), { running: 18, waiting: 2 });
  end.resolve();
  await Promise.all(all);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});
