import { assertEquals } from "@std/assert";
import { createLimiter } from "../../src/resolver/limiter.ts";
import { settle } from "../fakes/manual_clock.ts";

Deno.test("createLimiter() runs no more at once than allowed, urgent work first", async () => {
  const limiter = createLimiter(2);
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
  const limiter = createLimiter(1);
  const failed = limiter.run(() => Promise.reject(new Error("no")), false);
  const next = limiter.run(() => Promise.resolve("next"), false);
  assertEquals(await failed?.catch(() => "failed"), "failed");
  assertEquals(await next, "next");
});

Deno.test("createLimiter() refuses work when 10,000 wait", async () => {
  const limiter = createLimiter(1);
  let end = () => {};
  const first = limiter.run(() => new Promise<void>((resolve) => (end = resolve)), false);
  const waiting = Array.from({ length: 10_000 }, () => limiter.run(() => Promise.resolve(), false));
  assertEquals(limiter.run(() => Promise.resolve(), false), undefined);
  assertEquals(limiter.run(() => Promise.resolve(), true), undefined);
  await settle();
  end();
  await Promise.all([first, ...waiting]);
  assertEquals(limiter.load(), { running: 0, waiting: 0 });
});
