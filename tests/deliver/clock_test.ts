import { assertEquals } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { startDayClose } from "../../src/deliver/day_close.ts";

const HOUR = 3_600_000;
const DAY_MS = 24 * HOUR;
const LOG = createLog({ level: "error", format: "text", write() {} });

/** The real clock over a wall clock that the test sets; timers are called by hand. */
function setUp(start: number) {
  const time = { wall: start, steady: 0 };
  let look = () => {};
  const clock = createClock({
    wall: () => time.wall,
    monotonic: () => time.steady,
    startTimer(callback) {
      look = callback;
      return () => {};
    },
  });
  const closed: number[] = [];
  const stop = startDayClose({
    store: {
      nextToClose: (before) =>
        closed.length === 0 && before > Math.floor(start / DAY_MS)
          ? { day: Math.floor(start / DAY_MS), cursor: "" }
          : undefined,
      planSlice: ({ day }) => closed.push(day) > 0,
      prune: () => 0,
    },
    clock,
    log: LOG,
    settle: () => true,
    window: () => 4 * HOUR,
    keepDays: () => 7,
  });
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 10_000) {
      time.wall += 10_000;
      time.steady += 10_000;
      clock.now();
      look();
    }
  };
  return { time, closed, pass, stop };
}

Deno.test("a wall clock that jumps over midnight and comes back closes nothing", () => {
  const { time, closed, pass, stop } = setUp(Date.UTC(2026, 5, 15, 12));
  pass(60_000);
  time.wall += DAY_MS;
  pass(9 * 60_000);
  time.wall -= DAY_MS;
  pass(60_000);
  assertEquals(closed, []);
  stop();
});

Deno.test("a jump over midnight that lasts closes the day once", () => {
  const { time, closed, pass, stop } = setUp(Date.UTC(2026, 5, 15, 12));
  time.wall += DAY_MS;
  pass(12 * 60_000);
  assertEquals(closed, [Math.floor(Date.UTC(2026, 5, 15) / DAY_MS)]);
  // Back again: time goes on, and nothing is opened or closed again.
  time.wall -= DAY_MS;
  pass(60_000);
  assertEquals(closed.length, 1);
  stop();
});
