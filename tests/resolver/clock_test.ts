import { assertEquals } from "@std/assert";
import { createClock } from "../../src/resolver/clock.ts";

function sources(wall: number) {
  return { wallTime: wall, steady: 1000, wall: () => 0, monotonic: () => 0 };
}

Deno.test("createClock() follows the monotonic clock when the wall clock goes back", () => {
  const time = sources(1_000_000);
  const clock = createClock({ wall: () => time.wallTime, monotonic: () => time.steady });
  assertEquals(clock.now(), 1_000_000);
  time.steady += 5000;
  time.wallTime -= 86_400_000;
  assertEquals(clock.now(), 1_005_000);
});

Deno.test("createClock() follows the wall clock when it is ahead, and stays there", () => {
  const time = sources(1_000_000);
  const clock = createClock({ wall: () => time.wallTime, monotonic: () => time.steady });
  time.wallTime += 86_400_000;
  assertEquals(clock.now(), 87_400_000);
  time.wallTime -= 86_400_000;
  time.steady += 10;
  assertEquals(clock.now(), 87_400_010);
});

Deno.test("createClock() takes slewing of a few milliseconds for no jump", () => {
  const time = sources(1_000_000);
  const clock = createClock({ wall: () => time.wallTime, monotonic: () => time.steady });
  time.wallTime += 30;
  assertEquals(clock.now(), 1_000_000);
});

Deno.test("createClock() asks the monotonic clock once a millisecond", () => {
  const time = sources(1_000_000);
  let asked = 0;
  const clock = createClock({
    wall: () => time.wallTime,
    monotonic: () => {
      asked++;
      return time.steady;
    },
  });
  const before = asked;
  assertEquals([clock.now(), clock.now()], [1_000_000, 1_000_000]);
  assertEquals(asked, before + 1);
  time.wallTime += 1;
  time.steady += 0.75;
  assertEquals(clock.now(), 1_000_000.75);
});

/** A clock whose timers are those of a list; `undefined` in the place of those that are cancelled. */
function clockOf(time: { steady: number }) {
  const timers: ({ callback: () => void; delay: number } | undefined)[] = [];
  const clock = createClock({
    monotonic: () => time.steady,
    startTimer(callback, delay) {
      const index = timers.push({ callback, delay }) - 1;
      return () => void (timers[index] = undefined);
    },
  });
  return { clock, timers };
}

Deno.test("createClock() lets long timers end together, and none too early", () => {
  const time = { steady: 1000 };
  const { clock, timers } = clockOf(time);
  const called: string[] = [];
  clock.setTimer(() => called.push("first"), 10_000);
  time.steady += 1;
  const twice = () => called.push("twice");
  clock.setTimer(twice, 10_000);
  const cancel = clock.setTimer(() => called.push("cancelled"), 10_010);
  clock.setTimer(twice, 10_019);
  clock.setTimer(() => called.push("next"), 10_020);
  clock.setTimer(() => called.push("short"), 999);
  cancel();
  cancel();
  assertEquals(timers.map((timer) => timer?.delay), [10_000, 10_019, 10_039, 999]);
  for (const timer of timers) timer?.callback();
  assertEquals(called, ["first", "twice", "twice", "next", "short"]);
});

Deno.test("createClock() keeps no long timer when nothing is waited for", () => {
  const { clock, timers } = clockOf({ steady: 1000 });
  const called: string[] = [];
  const cancels = [5000, 5000, 60_000].map((delay) =>
    clock.setTimer(() => called.push("cancelled"), delay)
  );
  clock.setTimer(() => called.push("ended"), 8000);
  for (const cancel of cancels) cancel();
  assertEquals(timers.map((timer) => timer?.delay), [5000, 60_000, 8000]);
  timers[2]?.callback();
  assertEquals(called, ["ended"]);
  assertEquals([timers[0], timers[1]], [undefined, undefined]);
  clock.setTimer(() => called.push("later"), 5000);
  timers[3]?.callback();
  assertEquals(called, ["ended", "later"]);
});
