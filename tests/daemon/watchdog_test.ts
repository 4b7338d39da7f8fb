import { assertEquals } from "@std/assert";
import { startWatchdog } from "../../src/daemon/watchdog.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A watchdog of 30 s, with what it was asked and how often it was fed. */
function start(works: () => Promise<boolean>) {
  const clock = new ManualClock();
  const seen = { fed: 0, patience: [] as number[] };
  const stop = startWatchdog({
    clock,
    timeout: 30_000,
    works: (patience) => {
      seen.patience.push(patience);
      return works();
    },
    feed: () => seen.fed++,
  });
  return { clock, seen, stop };
}

Deno.test("startWatchdog() feeds at half of the time, with time left for the check", async () => {
  const { clock, seen, stop } = start(() => Promise.resolve(true));
  await clock.advance(14_999);
  assertEquals(seen, { fed: 0, patience: [] });
  await clock.advance(1);
  assertEquals(seen, { fed: 1, patience: [7500] });
  await clock.advance(30_000);
  assertEquals(seen.fed, 3);
  stop();
  assertEquals(clock.pending, 0);
});

Deno.test("startWatchdog() does not feed while the daemon does not work, and does again when it does", async () => {
  let works = false;
  const { clock, seen, stop } = start(() => Promise.resolve(works));
  await clock.advance(60_000);
  assertEquals(seen.fed, 0);
  works = true;
  await clock.advance(15_000);
  assertEquals(seen.fed, 1);
  stop();
});

Deno.test("startWatchdog() does not feed for a check that does not end, nor after its end", async () => {
  const check = Promise.withResolvers<boolean>();
  const { clock, seen, stop } = start(() => check.promise);
  await clock.advance(15_000);
  stop();
  check.resolve(true);
  await clock.advance(60_000);
  assertEquals(seen, { fed: 0, patience: [7500] });
});
