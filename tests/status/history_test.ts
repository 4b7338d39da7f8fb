import { assertEquals } from "@std/assert";
import { startHistory } from "../../src/status/history.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);

function setUp() {
  const metrics = createMetrics();
  const queries = metrics.counter("mta_sts_queries_total", "Queries.", ["zone", "answer"]);
  const clock = new ManualClock(START);
  queries.cell("default", "secure").value = 1000;
  const history = startHistory({ metrics, clock });
  return { queries, clock, history };
}

Deno.test("startHistory() books the growth of all zones to the time it was seen", async () => {
  const { queries, clock, history } = setUp();
  queries.cell("default", "secure").value += 2;
  queries.cell("other", "secure").value += 3;
  queries.cell("default", "temp").value += 1;
  await clock.advance(MINUTE);
  queries.cell("default", "notfound").value += 7;
  const { slots, lastSlotAt, slotMs } = history.hour();
  assertEquals({ length: slots.length, lastSlotAt, slotMs }, {
    length: 60,
    lastSlotAt: START + MINUTE,
    slotMs: MINUTE,
  });
  assertEquals(slots.slice(-3), [
    { secure: 0, "dane-only": 0, notfound: 0, temp: 0 },
    { secure: 5, "dane-only": 0, notfound: 0, temp: 1 },
    { secure: 0, "dane-only": 0, notfound: 7, temp: 0 },
  ]);
  assertEquals(history.day().slots.at(-1), { secure: 5, "dane-only": 0, notfound: 7, temp: 1 });
  history.stop();
});

Deno.test("startHistory() forgets what is older than its span", async () => {
  const { queries, clock, history } = setUp();
  const seen = (slots: readonly { secure: number }[]) =>
    slots.reduce((total, { secure }) => total + secure, 0);
  queries.cell("default", "secure").value += 5;
  await clock.advance(60 * MINUTE);
  assertEquals(seen(history.hour().slots), 0);
  assertEquals(seen(history.day().slots), 5);
  await clock.advance(24 * 60 * MINUTE);
  assertEquals(seen(history.day().slots), 0);
  history.stop();
  assertEquals(clock.pending, 0);
});

Deno.test("startHistory() survives a jump of the clock over many slots", async () => {
  const { queries, clock, history } = setUp();
  queries.cell("default", "secure").value += 5;
  await clock.advance(10 * MINUTE);
  history.stop();
  await clock.advance(400 * 24 * 60 * MINUTE);
  queries.cell("default", "secure").value += 1;
  assertEquals(history.hour().slots.filter(({ secure }) => secure > 0).length, 1);
  assertEquals(history.day().slots.at(-1)?.secure, 1);
});
