import { assertEquals } from "@std/assert";
import { startStoreMaintenance } from "../../src/daemon/store_maintenance.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const FLUSH_MS = 1000;
const HOUR_MS = 3_600_000;

Deno.test("startStoreMaintenance() prunes once an hour, and goes on with each flush until nothing is left", async () => {
  const clock = new ManualClock();
  const calls: string[] = [];
  const records = [2, 1, 0, 0];
  const stop = startStoreMaintenance({
    clock,
    store: {
      flush: () => void calls.push("flush"),
      prune: () => {
        calls.push("prune");
        return records.shift() ?? 0;
      },
    },
  });
  await clock.advance(HOUR_MS - 1);
  assertEquals(new Set(calls), new Set(["flush"]));
  calls.length = 0;
  await clock.advance(4 * FLUSH_MS);
  assertEquals(calls, ["flush", "prune", "flush", "prune", "flush", "prune", "flush"]);
  stop();
  calls.length = 0;
  await clock.advance(HOUR_MS);
  assertEquals(calls, []);
});
