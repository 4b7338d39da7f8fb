import { assertEquals, assertRejects } from "@std/assert";
import { sleep, untilAborted, withDeadline } from "../../src/base/wait.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";

/** What a promise has come to so far. */
function watch(promise: Promise<unknown>): { state: unknown } {
  const seen = { state: "waits" as unknown };
  promise.then((value) => seen.state = value, (error) => seen.state = error);
  return seen;
}

Deno.test("withDeadline() gives the value and leaves no timer behind", async () => {
  const clock = new ManualClock();
  assertEquals(await withDeadline(Promise.resolve("value"), { ms: 100, clock }), "value");
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("withDeadline() passes a rejection on, and ignores one after the deadline", async () => {
  const clock = new ManualClock();
  const error = new Error("it failed");
  await assertRejects(() => withDeadline(Promise.reject(error), { ms: 100, clock }), Error, "it");
  const late = Promise.withResolvers<string>();
  const seen = watch(withDeadline(late.promise, { ms: 100, clock }));
  await clock.advance(99);
  assertEquals(seen.state, "waits");
  await clock.advance(1);
  assertEquals(seen.state, undefined);
  late.reject(error);
  await settle();
});

Deno.test("withDeadline() ends with the signal, which may be aborted before", async () => {
  const clock = new ManualClock();
  const never = new Promise<string>(() => {});
  const controller = new AbortController();
  const seen = watch(withDeadline(never, { ms: 100, clock, signal: controller.signal }));
  await settle();
  assertEquals([seen.state, clock.pending], ["waits", 1]);
  controller.abort();
  await settle();
  assertEquals([seen.state, clock.pending], [undefined, 0]);
  assertEquals(
    await withDeadline(never, { ms: 100, clock, signal: AbortSignal.abort() }),
    undefined,
  );
});

Deno.test("untilAborted() ends with the promise, rejected or not, or with the signal", async () => {
  const { signal } = new AbortController();
  await untilAborted(Promise.resolve(), signal);
  await untilAborted(Promise.reject(new Error("it failed")), signal);
  const controller = new AbortController();
  const seen = watch(untilAborted(new Promise(() => {}), controller.signal));
  await settle();
  assertEquals(seen.state, "waits");
  controller.abort();
  await settle();
  assertEquals(seen.state, undefined);
  await untilAborted(new Promise(() => {}), controller.signal);
});

Deno.test("sleep() takes its time by the clock", async () => {
  const clock = new ManualClock();
  const seen = watch(sleep(100, clock));
  await clock.advance(99);
  assertEquals(seen.state, "waits");
  await clock.advance(1);
  assertEquals(seen.state, undefined);
});
