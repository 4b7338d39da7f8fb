import { assertEquals } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";

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

/** A clock on hands that the test moves, and what was told of them. */
function watched() {
  const time = sources(1_000_000);
  const changes: string[] = [];
  const clock = createClock({
    wall: () => time.wallTime,
    monotonic: () => time.steady,
    onChange: ({ kind, ms }) => changes.push(`${kind} ${ms}`),
  });
  function pass(ms: number): number {
    time.wallTime += ms;
    time.steady += ms;
    return clock.now();
  }
  return { time, clock, changes, pass };
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const YEAR = 365 * DAY;

Deno.test("createClock() follows the wall clock at once by a minute, and stays there", () => {
  const { time, clock, changes } = watched();
  time.wallTime += MINUTE;
  assertEquals(clock.now(), 1_060_000);
  time.wallTime -= MINUTE - 20;
  time.steady += 10;
  assertEquals(clock.now(), 1_060_010);
  assertEquals(clock.proven(), 1_060_010);
  assertEquals(changes, []);
});

Deno.test("createClock() does not follow three seconds in the wrong year", () => {
  const { time, clock, changes, pass } = watched();
  pass(1000);
  time.wallTime += YEAR;
  assertEquals(clock.now(), 1_001_000);
  assertEquals(changes, [`doubted ${YEAR}`]);
  assertEquals(clock.doubted(), YEAR);
  assertEquals(pass(3000), 1_004_000);
  time.wallTime -= YEAR - 1;
  time.steady += 1;
  assertEquals(clock.now(), 1_004_001);
  assertEquals(changes, [`doubted ${YEAR}`, `withdrawn ${YEAR}`]);
  assertEquals(clock.doubted(), 0);
  assertEquals(pass(DAY), 1_004_001 + DAY);
});

Deno.test("createClock() believes a jump when it has lasted for ten minutes", () => {
  const { time, clock, changes, pass } = watched();
  time.wallTime += YEAR;
  clock.now();
  assertEquals(pass(10 * MINUTE - 1), 1_000_000 + 10 * MINUTE - 1);
  assertEquals(pass(1), 1_000_000 + YEAR + 10 * MINUTE);
  assertEquals(clock.proven(), clock.now());
  assertEquals(changes, [`doubted ${YEAR}`, `believed ${YEAR}`]);
});

Deno.test("createClock() begins to wait anew when the clock jumps once more meanwhile", () => {
  const { time, clock, changes, pass } = watched();
  time.wallTime += DAY;
  clock.now();
  pass(9 * MINUTE);
  time.wallTime += YEAR;
  clock.now();
  assertEquals(pass(9 * MINUTE), 1_000_000 + 18 * MINUTE);
  assertEquals(pass(MINUTE), 1_000_000 + 19 * MINUTE + DAY + YEAR);
  assertEquals(changes.map((change) => change.split(" ")[0]), [
    "doubted",
    "withdrawn",
    "doubted",
    "believed",
  ]);
});

Deno.test("createClock() says once that the clock was set back", () => {
  const { time, clock, changes, pass } = watched();
  time.wallTime -= DAY;
  for (let minute = 0; minute < 30; minute++) pass(MINUTE);
  assertEquals(changes, [`behind ${DAY}`]);
  assertEquals(clock.now(), 1_000_000 + 30 * MINUTE);
  time.wallTime += DAY;
  pass(MINUTE);
  time.wallTime -= DAY;
  pass(MINUTE);
  assertEquals(changes.length, 2);
});

Deno.test("createClock() begins at the last time seen on disk when the wall clock is behind it", () => {
  const { time, clock, changes, pass } = watched();
  clock.seen(1_000_000 + 500 * DAY);
  assertEquals(clock.now(), 1_000_000 + 500 * DAY);
  assertEquals(clock.proven(), clock.now());
  assertEquals(changes, [`behind ${500 * DAY}`]);
  pass(MINUTE);
  // The time server is reached: the machine was off for an hour.
  time.wallTime += 500 * DAY + 60 * MINUTE;
  assertEquals(clock.now(), 1_000_000 + 500 * DAY + MINUTE);
  assertEquals(pass(10 * MINUTE), 1_000_000 + 500 * DAY + 71 * MINUTE);
});

Deno.test("createClock() begins at the wall clock, by which nothing expires before it has lasted", () => {
  const { clock, changes, pass } = watched();
  clock.seen(1_000_000 - 60 * MINUTE);
  assertEquals(clock.now(), 1_000_000);
  assertEquals(clock.proven(), 1_000_000 - 60 * MINUTE);
  pass(10 * MINUTE - 1);
  assertEquals(clock.now() - clock.proven(), 60 * MINUTE);
  pass(1);
  assertEquals(clock.now() - clock.proven(), 0);
  assertEquals(clock.now(), 1_000_000 + 10 * MINUTE);
  // A stop of an hour is an everyday matter.
  assertEquals(changes, []);
});

Deno.test("createClock() started in the wrong year lets nothing expire by it", () => {
  const { time, clock, changes, pass } = watched();
  clock.seen(1_000_000 - YEAR);
  assertEquals(clock.doubted(), 0);
  clock.now();
  assertEquals(clock.doubted(), YEAR);
  pass(3000);
  time.wallTime -= YEAR;
  pass(MINUTE);
  assertEquals(clock.proven(), 1_000_000 - YEAR + 3000 + MINUTE);
  assertEquals(clock.now(), 1_000_000 + 3000 + MINUTE);
  pass(DAY);
  assertEquals(clock.now() - clock.proven(), YEAR);
  assertEquals(changes, [`doubted ${YEAR}`, `withdrawn ${YEAR}`, `behind ${YEAR}`]);
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
