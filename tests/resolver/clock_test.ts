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
