import { assert, assertEquals } from "@std/assert";
import { waitPatiently } from "../../src/fleet/patience.ts";
import { createFleet, request } from "./hosts.ts";

/** A clock whose timers fire when the test says so, however late. */
function createLateClock() {
  let now = 0;
  let timer: (() => void) | undefined;
  return {
    now: () => now,
    setTimer: (callback: () => void) => {
      timer = callback;
      return () => void (timer = undefined);
    },
    /** The timer fires at `at`, ms. */
    fire(at: number): void {
      now = at;
      timer?.();
    },
    hasTimer: () => timer !== undefined,
  };
}

/** What a promise is at this moment. */
async function stateOf<T>(promise: Promise<T>): Promise<T | "waits"> {
  return await Promise.race([promise, Promise.resolve().then(() => "waits" as const)]);
}

Deno.test("a reply that comes after a stall of this process counts, one that is late does not", async () => {
  const clock = createLateClock();
  const reply = Promise.withResolvers<string>();
  const waiting = waitPatiently(reply.promise, { ms: 200, clock });
  clock.fire(900);
  assertEquals(await stateOf(waiting), "waits");
  reply.resolve("here");
  assertEquals(await waiting, "here");
  assert(!clock.hasTimer());

  const late = waitPatiently(new Promise<string>(() => {}), { ms: 200, clock });
  clock.fire(1100);
  assertEquals(await late, undefined);
});

Deno.test("stalls without end are no excuse, and an abort ends the wait", async () => {
  const clock = createLateClock();
  const waiting = waitPatiently(new Promise<string>(() => {}), { ms: 200, clock });
  for (let stall = 1; stall <= 5; stall++) {
    clock.fire(stall * 1000);
    assertEquals(await stateOf(waiting), "waits", `${stall}`);
  }
  clock.fire(6000);
  assertEquals(await waiting, undefined);

  const closing = new AbortController();
  const aborted = waitPatiently(new Promise(() => {}), { ms: 1, clock, signal: closing.signal });
  closing.abort();
  assertEquals([await aborted, clock.hasTimer()], [undefined, false]);
  const closed = waitPatiently(new Promise(() => {}), { ms: 1, clock, signal: closing.signal });
  assertEquals([await closed, clock.hasTimer()], [undefined, false]);
});

Deno.test("a call that is late while others are answered does not open the circuit", async () => {
  const fleet = await createFleet(1);
  const { clock, hosts: [host] } = fleet;
  host!.engine.claim = () => new Promise(() => {});
  void host!.fleet.claim("a.example", request());
  await clock.advance(100);
  assertEquals((await host!.fleet.ask("b.example"))?.policy, undefined);
  await clock.advance(150);
  assertEquals(host!.fleet.status().state, "up");
  // The next one is late alone.
  void host!.fleet.claim("a.example", request());
  await clock.advance(250);
  assertEquals(host!.fleet.status().state, "down");
  await fleet.close();
});
