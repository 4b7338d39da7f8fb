import { assertEquals } from "@std/assert";
import { createWarnings } from "../../src/base/warnings.ts";
import type { Log, LogValue } from "../../src/base/log.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const HOUR = 3_600_000;

/** Warnings, their clock, and the lines that reached the log. */
function setUp() {
  const lines: [string, Record<string, LogValue> | undefined][] = [];
  const none = () => {};
  const log: Log = {
    debug: none,
    info: none,
    warn: (event, fields) => lines.push([event, fields]),
    error: none,
    enabled: () => true,
  };
  const clock = new ManualClock(0);
  return { lines, clock, warnings: createWarnings({ log, clock }) };
}

Deno.test("createWarnings() says a key once an hour and counts what it held back", async () => {
  const { lines, clock, warnings } = setUp();
  const warn = () => warnings.warn("a.example tls", "fetch failed", { domain: "a.example" });
  warn();
  warn();
  await clock.advance(HOUR - 1);
  warn();
  assertEquals(lines, [["fetch failed", { domain: "a.example" }]]);

  await clock.advance(1);
  warn();
  assertEquals(lines[1], ["fetch failed", { domain: "a.example", suppressed: 2 }]);

  await clock.advance(HOUR);
  warn();
  assertEquals(lines[2], ["fetch failed", { domain: "a.example" }]);
});

Deno.test("createWarnings() holds back by key, not by event", () => {
  const { lines, warnings } = setUp();
  warnings.warn("a.example tls", "fetch failed");
  warnings.warn("b.example tls", "fetch failed");
  warnings.warn("a.example dns", "fetch failed");
  assertEquals(lines.length, 3);
});

Deno.test("recent() gives the newest warnings first and never more than 100", async () => {
  const { clock, warnings } = setUp();
  assertEquals(warnings.recent(10), []);
  for (let i = 0; i < 150; i++) {
    warnings.warn(`key ${i}`, "fetch failed", { i });
    await clock.advance(1);
  }
  assertEquals(warnings.recent(2), [
    { at: 149, event: "fetch failed", fields: { i: 149 }, suppressed: 0 },
    { at: 148, event: "fetch failed", fields: { i: 148 }, suppressed: 0 },
  ]);
  assertEquals(warnings.recent(1000).length, 100);
  assertEquals(warnings.recent(0), []);
});

Deno.test("createWarnings() forgets the key said longest ago when there are too many", async () => {
  const { lines, clock, warnings } = setUp();
  for (let i = 0; i < 20_000; i++) warnings.warn(`key ${i}`, "fetch failed");
  await clock.advance(HOUR);
  warnings.warn("key 0", "fetch failed"); // said again, so now the newest
  warnings.warn("one more", "fetch failed"); // pushes out key 1
  const before = lines.length;
  warnings.warn("key 0", "fetch failed");
  assertEquals(lines.length, before);
  assertEquals(lines.at(-1), ["fetch failed", {}]);
});
