import { assert, assertEquals } from "@std/assert";
import { startRefresher } from "../../src/resolver/refresher.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE, SETTINGS } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

function start(world: World, concurrency = 10): () => void {
  return startRefresher({
    store: world.store,
    clock: world.clock,
    check: world.resolver.check,
    interval: SETTINGS.refresh.interval,
    forgetAfter: SETTINGS.refresh.forgetAfter,
    concurrency,
  });
}

/** Moves on in steps small enough for each round to end before the next. */
async function pass(world: World, ms: number, step = MINUTE): Promise<void> {
  for (let left = ms; left > 0; left -= step) await world.clock.advance(Math.min(step, left));
}

Deno.test("startRefresher() fetches each policy about daily, spread over half a day", async () => {
  let serial = 0;
  const world = createWorld({ random: () => (serial++ % 100) / 100 });
  const domains = Array.from({ length: 100 }, (_, index) => `d${index}.example`);
  for (const domain of domains) {
    world.publish(domain, { mode: "testing", maxAge: 30 * 86400 });
    await world.resolve(domain);
    await world.clock.advance(1);
  }
  world.fetches.length = 0;
  const stop = start(world);
  await pass(world, 0.75 * DAY - MINUTE);
  assertEquals(world.fetches.length, 0);
  await pass(world, 0.25 * DAY);
  assert(Math.abs(world.fetches.length - 50) <= 2, `half of them: ${world.fetches.length}`);
  await pass(world, 0.25 * DAY + 2 * MINUTE);
  assertEquals(new Set(world.fetches), new Set(domains));
  stop();
  assertEquals(world.clock.pending, 0);
});

Deno.test("startRefresher() outlasts an attacker who hides the TXT record (RFC 8461 §10.2)", async () => {
  const world = createWorld();
  world.publish("example.com", { mode: "testing", maxAge: 7 * 86400 });
  await world.resolve("example.com");
  world.dns.table["TXT _mta-sts.example.com"] = "nxdomain";
  const stop = start(world);
  await pass(world, 30 * DAY, HOUR);
  stop();
  const expires = (world.resolver.report("example.com").held?.expiresAt ?? 0) - world.clock.now();
  assert(expires > 5 * DAY);
});

Deno.test("startRefresher() fetches policies of a short max_age before they expire", async () => {
  const world = createWorld();
  world.publish("example.com", { mode: "testing", maxAge: 3600 });
  await world.resolve("example.com");
  const stop = start(world);
  for (let hour = 0; hour < 24; hour++) {
    await pass(world, HOUR);
    assert(world.resolver.report("example.com").held !== undefined);
  }
  stop();
});

Deno.test("startRefresher() leaves policies alone that nobody asks for", async () => {
  const world = createWorld();
  world.publish("example.com", { mode: "testing", maxAge: 365 * 86400 });
  await world.resolve("example.com");
  await world.clock.advance(181 * DAY);
  world.fetches.length = 0;
  const stop = start(world);
  await pass(world, DAY);
  stop();
  assertEquals(world.fetches, []);
});

Deno.test("startRefresher() comes back to a failing policy hourly, not each round", async () => {
  const world = createWorld();
  world.publish("example.com", { mode: "testing", maxAge: 30 * 86400 });
  await world.resolve("example.com");
  delete world.hosts["example.com"];
  await world.clock.advance(2 * DAY);
  world.fetches.length = 0;
  const stop = start(world);
  await pass(world, DAY);
  stop();
  assert(world.fetches.length >= 22 && world.fetches.length <= 25, `${world.fetches.length}`);
});

Deno.test("startRefresher() works off a backlog at a limited rate, a few at a time", async () => {
  const world = createWorld({
    settings: { memory: { entries: 5000, policyOctets: Infinity, viewOctets: Infinity } },
  });
  for (let index = 0; index < 2000; index++) {
    world.publish(`d${index}.example`, { mode: "testing", maxAge: 30 * 86400 });
    await world.resolve(`d${index}.example`);
    await world.clock.advance(1);
  }
  await world.clock.advance(3 * DAY);
  world.restart();
  world.fetches.length = 0;
  const stop = start(world, 2);
  await world.clock.advance(10_000);
  assertEquals(world.fetches.length, 2);
  await settle();
  await pass(world, 6 * HOUR, MINUTE);
  stop();
  assertEquals(new Set(world.fetches).size, 2000);
});
