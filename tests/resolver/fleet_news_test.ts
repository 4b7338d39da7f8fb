import { assert, assertEquals } from "@std/assert";
import type { FleetPolicy } from "../../src/fleet/types.ts";
import { createObserver } from "../../src/status/observer.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { createLog } from "../../src/base/log.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { createFakeExchange, sharedFailure, sharedPolicy } from "../fakes/fake_exchange.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "d.example";

function createHost() {
  const fleet = createFakeExchange();
  const world = createWorld({ fleet });
  return { fleet, world, now: world.clock.now() };
}

/** The host has fetched and answered a policy an hour ago. */
async function createHolder() {
  const { fleet, world } = createHost();
  world.publish(DOMAIN);
  await world.outcome(DOMAIN);
  await world.clock.advance(HOUR);
  await world.outcome(DOMAIN);
  await settle();
  fleet.log.length = world.fetches.length = world.events.length = 0;
  const tell = (given: Partial<Parameters<typeof sharedPolicy>[1]>): FleetPolicy => {
    const policy = sharedPolicy(DOMAIN, { fetchedAt: world.clock.now(), ...given });
    fleet.tell({ kind: "policy", policy });
    return policy;
  };
  return { fleet, world, tell, now: world.clock.now() };
}

function heldBy(world: World) {
  return world.resolver.report(DOMAIN).held;
}

Deno.test("fleet: a changed policy takes effect with the news, and ready replies end", async () => {
  const { world, tell, now } = await createHolder();
  const { token } = await world.resolve(DOMAIN);
  tell({ id: "2", mx: ["new.d.example"] });
  assertEquals(token.valid, false);
  assertEquals(heldBy(world)?.policy.mx, ["new.d.example"]);
  assertEquals(world.stored(DOMAIN)?.refreshAt, now + DAY);
  // Whoever fetched it has just seen its record.
  assertEquals(await world.outcome(DOMAIN), "fresh");
  assertEquals(world.fetches, []);
});

Deno.test("fleet: news of the same text moves the times alone, and ready replies stay", async () => {
  for (const isSigned of [true, false]) {
    const { world, tell, now } = await createHolder();
    const { token } = await world.resolve(DOMAIN);
    tell({ isSigned });
    assertEquals(token.valid, true);
    const held = heldBy(world);
    assertEquals([held?.fetchedAt, held?.expiresAt], [now, now + 7 * DAY]);
    assertEquals(world.stored(DOMAIN)?.fetchedAt, now);
    await settle();
    assertEquals(world.fetches, []);
  }
});

Deno.test("fleet: unsigned news moves the times once a minute", async () => {
  const { world, tell } = await createHolder();
  const moves = new Set<number | undefined>();
  for (let second = 0; second < 180; second++) {
    tell({ isSigned: false });
    moves.add(heldBy(world)?.fetchedAt);
    await world.clock.advance(1000);
  }
  assertEquals(moves.size, 3);
});

Deno.test("fleet: news from the future moves the times up to now", async () => {
  const { world, tell, now } = await createHolder();
  tell({ fetchedAt: now + MINUTE });
  assertEquals(heldBy(world)?.expiresAt, now + 7 * DAY);
});

Deno.test("fleet: older news changes nothing, whatever it says", async () => {
  const { world, tell, now } = await createHolder();
  tell({ id: "2", mode: "none", mx: [], fetchedAt: now - 2 * HOUR });
  tell({ id: "2", mode: "none", mx: [], fetchedAt: now - 2 * HOUR, isSigned: false });
  await settle();
  assertEquals([heldBy(world)?.id, world.events], ["1", []]);
});

Deno.test("fleet: news of domains that nobody here asks for is not kept", () => {
  const { fleet, world, now } = createHost();
  fleet.tell({ kind: "policy", policy: sharedPolicy(DOMAIN, { fetchedAt: now }) });
  fleet.tell({ kind: "failure", failure: sharedFailure(DOMAIN, now) });
  assertEquals(world.stored(DOMAIN), undefined);
  assertEquals(world.store.getFailure(DOMAIN), undefined);
});

Deno.test("fleet: news of a domain that only the store holds goes there, and keeps its last use", async () => {
  const { fleet, world, tell, now } = await createHolder();
  const { lastUsedAt } = world.stored(DOMAIN)!;
  world.restart();
  tell({ id: "2", mx: ["new.d.example"] });
  const stored = world.stored(DOMAIN);
  assertEquals([stored?.id, stored?.fetchedAt, stored?.lastUsedAt], ["2", now, lastUsedAt]);
  assertEquals(world.resolver.memory().policies, 0);
  await world.clock.advance(1000);
  tell({ id: "2", mx: ["new.d.example"] });
  assertEquals(world.stored(DOMAIN)?.fetchedAt, now + 1000);
  fleet.tell({ kind: "policy", policy: sharedPolicy("x.example", { fetchedAt: now }) });
  assertEquals(world.store.count(), 1);
});

Deno.test("fleet: news of a policy ends an absence and what rests on it", async () => {
  const { fleet, world, now } = createHost();
  const { token, outcome } = await world.resolve(DOMAIN);
  assertEquals(outcome, "no-record");
  fleet.tell({ kind: "policy", policy: sharedPolicy(DOMAIN, { fetchedAt: now }) });
  assertEquals(token.valid, false);
  assertEquals(await world.outcome(DOMAIN), "fresh");
});

Deno.test("fleet: news of a policy answers a query that waits for DNS", async () => {
  const { fleet, world } = createHost();
  world.dns.table[`TXT _mta-sts.${DOMAIN}`] = new Promise(() => {});
  const query = world.outcome(DOMAIN);
  await world.clock.advance(1000);
  fleet.tell({
    kind: "policy",
    policy: sharedPolicy(DOMAIN, { fetchedAt: world.clock.now(), mode: "testing" }),
  });
  assertEquals(await query, "shared");
});

Deno.test("fleet: unsigned news of a change causes an own check and fetch, and takes no effect", async () => {
  const { fleet, world, tell } = await createHolder();
  world.publish(DOMAIN, { id: "2", mx: ["true.d.example"] });
  tell({ id: "2", mode: "none", mx: [], isSigned: false });
  assertEquals(heldBy(world)?.policy.mode, "enforce");
  await settle();
  assertEquals(heldBy(world)?.policy.mx, ["true.d.example"]);
  assertEquals([world.fetches, fleet.log.at(-1)], [[DOMAIN], `publish ${DOMAIN} 2`]);
  // More of it causes no more checks for a while.
  await world.clock.advance(1000);
  tell({ id: "3", isSigned: false });
  await settle();
  assertEquals(world.fetches, [DOMAIN]);
});

Deno.test("fleet: forged news of a held policy, record unchanged: fetched once, nothing weaker", async () => {
  const { world, tell } = await createHolder();
  tell({ id: "666", mode: "none", mx: [], isSigned: false });
  await settle();
  assertEquals([world.fetches, heldBy(world)?.policy.mode], [[DOMAIN], "enforce"]);
});

Deno.test("fleet: unsigned news during a check of the record has that check fetch", async () => {
  const { world, tell } = await createHolder();
  await world.clock.advance(6 * MINUTE);
  assertEquals(await world.outcome(DOMAIN), "rechecking");
  tell({ id: "666", mode: "none", mx: [], isSigned: false });
  await settle();
  assertEquals([world.fetches, heldBy(world)?.policy.mode], [[DOMAIN], "enforce"]);
});

Deno.test("fleet: unsigned news causes 300 checks in five minutes at most", async () => {
  const { fleet, world } = createHost();
  const domains = Array.from({ length: 400 }, (_, index) => `d${index}.example`);
  for (const domain of domains) {
    world.publish(domain, { mode: "testing" });
    await world.outcome(domain);
    await world.clock.advance(10);
  }
  world.fetches.length = 0;
  const tellAll = async () => {
    for (const domain of domains) {
      const fetchedAt = world.clock.now();
      fleet.tell({ kind: "policy", policy: sharedPolicy(domain, { fetchedAt, isSigned: false }) });
    }
    await world.clock.advance(5 * MINUTE);
  };
  await tellAll();
  assertEquals(world.fetches.length, 300);
  await tellAll();
  assertEquals(world.fetches.length, 600);
  // The first of them have to wait longer now.
  await tellAll();
  assertEquals(new Set(world.fetches).size, 400);
});

Deno.test("fleet: a domain whose servers differ is not fetched again with each news of that, without a secret", async () => {
  const { world, tell } = await createHolder();
  for (let count = 0; count < 288; count++) {
    tell({ mx: [`mx${count % 2}.d.example`], isSigned: false });
    await world.clock.advance(5 * MINUTE);
  }
  // After 0, 5, 15, 35, 75, 155, 315, 635, 1275 minutes, and the refresh of the day.
  assert(world.fetches.length <= 10, `${world.fetches.length} fetches`);
  const before = world.fetches.length;
  await world.clock.advance(3 * DAY);
  tell({ mx: ["mx3.d.example"], isSigned: false });
  await settle();
  assertEquals(world.fetches.length, before + 1);
});

Deno.test("fleet: unsigned news of a domain without a policy ends the absence", async () => {
  const { fleet, world, now } = createHost();
  assertEquals(await world.outcome(DOMAIN), "no-record");
  world.publish(DOMAIN);
  const policy = sharedPolicy(DOMAIN, { fetchedAt: now, isSigned: false });
  fleet.known[DOMAIN] = { policy };
  fleet.tell({ kind: "policy", policy });
  await settle();
  assertEquals([await world.outcome(DOMAIN), world.fetches], ["fresh", []]);
});

Deno.test("fleet: the newest failure counts, unless its id was fetched since", async () => {
  const { fleet, world, now } = await createHolder();
  fleet.tell({ kind: "failure", failure: sharedFailure(DOMAIN, now - HOUR - 1) });
  assertEquals(world.store.getFailure(DOMAIN), undefined);
  fleet.tell({ kind: "failure", failure: sharedFailure(DOMAIN, now, "2") });
  fleet.tell({ kind: "failure", failure: sharedFailure(DOMAIN, now - 1, "3") });
  assertEquals(world.store.getFailure(DOMAIN)?.id, "2");
  world.publish(DOMAIN, { id: "2" });
  assertEquals((await world.resolver.check(DOMAIN))?.outcome, "kept-fetch-failed");
  assertEquals(world.fetches, []);
  fleet.tell({ kind: "policy", policy: sharedPolicy(DOMAIN, { id: "2", fetchedAt: now - 1 }) });
  assertEquals(world.store.getFailure(DOMAIN)?.id, "2");
  fleet.tell({ kind: "policy", policy: sharedPolicy(DOMAIN, { id: "2", fetchedAt: now }) });
  assertEquals(world.store.getFailure(DOMAIN), undefined);
});

Deno.test("fleet: a purge at another host forgets what was fetched before it", async () => {
  const { fleet, world, now } = await createHolder();
  fleet.tell({ kind: "purge", domain: DOMAIN, at: now - HOUR - 1 });
  assertEquals(heldBy(world)?.id, "1");
  const { token } = await world.resolve(DOMAIN);
  world.events.length = 0;
  fleet.tell({ kind: "purge", domain: DOMAIN, at: now });
  assertEquals([token.valid, heldBy(world), world.stored(DOMAIN)], [false, undefined, undefined]);
  assertEquals(world.events, [{ kind: "purged", domain: DOMAIN }]);
  assertEquals(world.resolver.report(DOMAIN).mx, undefined);
});

Deno.test("fleet: a purge here forgets at once, and says how many hosts heard", async () => {
  const { fleet, world } = await createHolder();
  fleet.heard = 3;
  const heard = world.resolver.purge(DOMAIN);
  assertEquals(heldBy(world), undefined);
  assertEquals([await heard, fleet.log], [3, [`purge ${DOMAIN}`]]);
});

Deno.test("a purge without a fleet is done when it returns", () => {
  const world = createWorld();
  assertEquals(world.resolver.purge(DOMAIN), undefined);
});

Deno.test("fleet: a resolver that is closed hears no more", () => {
  const { fleet, world } = createHost();
  assertEquals(fleet.listeners, 1);
  world.resolver.close();
  assertEquals(fleet.listeners, 0);
});

Deno.test("fleet: a downgrade of the fleet is counted, and logged with the host's name", async () => {
  const { world, tell } = await createHolder();
  tell({ id: "2", mode: "none", mx: [], host: "mx7.example" });
  tell({ id: "2", mode: "none", mx: [], fetchedAt: world.clock.now() + 1 });
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = createLog({
    ...{ level: "debug", format: "text", now: () => 0 },
    write: (line) => void lines.push(line),
  });
  const observe = createObserver({
    ...{ log, metrics, now: world.clock.now, refreshInterval: DAY },
    warnings: createWarnings({ log, clock: world.clock }),
    failures: { dns: [], fetch: [] },
  });
  for (const event of world.events) observe(event);
  const text = lines.join("");
  assert(
    text.includes("WARN  policy of the fleet downgraded domain=d.example id=2 mode=none"),
    text,
  );
  assert(text.includes("host=mx7.example"), text);
  assert(metrics.render().includes('mta_sts_shared_policies_total{change="downgraded"} 1'));
  assert(metrics.render().includes('mta_sts_policy_changes_total{change="downgraded"} 0'));
});
