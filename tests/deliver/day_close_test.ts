import { assert, assertEquals } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { type DayCloseOptions, startDayClose } from "../../src/deliver/day_close.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const DAY_MS = 86_400_000;
const HOUR = 3_600_000;

/** Days by their domains, closed in slices as the real store does. */
function setUp(domains: number, options: Partial<DayCloseOptions> = {}) {
  const clock = new ManualClock(Date.UTC(2026, 5, 15, 12));
  const today = Math.floor(clock.now() / DAY_MS);
  const days = new Map([[today, { planned: 0, isClosed: false }]]);
  const dues: number[] = [];
  const state = { works: true, settled: 0, longest: 0, prunedBefore: NaN };
  const stop = startDayClose({
    store: {
      nextToClose(before) {
        if (!state.works) throw new Error("report file unusable");
        const open = [...days].find(([day, { isClosed }]) => day < before && !isClosed);
        return open && { day: open[0], cursor: String(open[1].planned) };
      },
      planSlice({ day, cursor }, { limit, dueAt }) {
        const entry = days.get(day)!;
        assertEquals(cursor, String(entry.planned));
        const count = Math.min(limit, domains - entry.planned);
        state.longest = Math.max(state.longest, count);
        for (let index = 0; index < count; index++) {
          dues.push(dueAt(`d${entry.planned + index}.test`, new Uint8Array([1])));
        }
        entry.planned += count;
        return entry.isClosed = count < limit;
      },
      prune(day) {
        state.prunedBefore = day;
        return 0;
      },
    },
    clock,
    log: createLog({ level: "error", format: "text", write() {} }),
    settle: () => ++state.settled > 0,
    window: () => 4 * HOUR,
    keepDays: () => 7,
    ...options,
  });
  return { clock, today, days, dues, state, stop };
}

Deno.test("a day closes two minutes after its end, and not before", async () => {
  const { clock, days, today, stop, state } = setUp(10);
  const { isClosed } = days.get(today)!;
  assertEquals(isClosed, false);
  await clock.advance(12 * HOUR + 100_000);
  assertEquals(days.get(today)!.isClosed, false);
  await clock.advance(31_000);
  assertEquals(days.get(today)!.isClosed, true);
  assert(state.settled > 0);
  stop();
  assertEquals(clock.pending, 0);
});

Deno.test("a day closes in slices of 50 domains, and its reports are spread over the window", async () => {
  const { clock, dues, days, today, state, stop } = setUp(2000);
  await clock.advance(12 * HOUR + 200_000);
  assertEquals([days.get(today)!.planned, days.get(today)!.isClosed], [2000, true]);
  assertEquals(state.longest, 50);
  const start = (today + 1) * DAY_MS + 5 * 60_000;
  assert(dues.every((due) => due >= start && due < start + 4 * HOUR));
  for (let quarter = 0; quarter < 4; quarter++) {
    const share = dues.filter((due) => Math.floor((due - start) / HOUR) === quarter).length;
    assert(share > 400 && share < 600, `${share}`);
  }
  stop();
});

Deno.test("the time of a report depends on the secret of the file, the day and the domain alone", async () => {
  const runs = [];
  for (let run = 0; run < 2; run++) {
    const { clock, dues, stop } = setUp(20);
    await clock.advance(13 * HOUR);
    runs.push(dues);
    stop();
  }
  assertEquals(runs[0], runs[1]);
  assertEquals(new Set(runs[0]).size, 20);
});

Deno.test("a jump ahead closes nothing before it is believed", async () => {
  const clock = new ManualClock(Date.UTC(2026, 5, 15, 12));
  const { days, today, stop } = setUp(5, { clock });
  // The clock says the day after; what has proved right does not.
  const proven = clock.now();
  const jumped = clock.proven;
  clock.proven = () => proven;
  await clock.advance(24 * HOUR);
  assertEquals(days.get(today)!.isClosed, false);
  clock.proven = jumped;
  await clock.advance(20_000);
  assertEquals(days.get(today)!.isClosed, true);
  stop();
});

Deno.test("before 2025 nothing closes", async () => {
  const clock = new ManualClock(Date.UTC(2000, 0, 1));
  const { state, stop } = setUp(5, { clock });
  await clock.advance(48 * HOUR);
  assertEquals(state.settled, 0);
  stop();
});

Deno.test("a day waits for a file that cannot be used, and for counts that are not stored", async () => {
  let isSettled = false;
  const { clock, days, today, state, stop } = setUp(5, { settle: () => isSettled });
  state.works = false;
  await clock.advance(13 * HOUR);
  state.works = true;
  await clock.advance(60_000);
  assertEquals(days.get(today)!.isClosed, false);
  isSettled = true;
  await clock.advance(20_000);
  assertEquals(days.get(today)!.isClosed, true);
  stop();
});

Deno.test("old days are forgotten once an hour", async () => {
  const { clock, today, state, stop } = setUp(5);
  await clock.advance(1000);
  assertEquals(state.prunedBefore, today - 7);
  await clock.advance(25 * HOUR);
  assertEquals(state.prunedBefore, today - 6);
  stop();
});
