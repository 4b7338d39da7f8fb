import { assert, assertEquals } from "@std/assert";
import { createFaultyStore } from "../fakes/faulty_store.ts";
import { createFakeExchange, sharedFailure, sharedPolicy } from "../fakes/fake_exchange.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, HOUR, MINUTE, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "d.example";
const SECURE = "OK secure match=mx.d.example servername=hostname";

function createHost(options: Parameters<typeof createWorld>[0] = {}) {
  const fleet = createFakeExchange();
  const world = createWorld({ fleet, ...options });
  world.dns.table[`MX ${DOMAIN}`] = [{ preference: 10, exchange: `mx.${DOMAIN}` }];
  const now = world.clock.now();
  return { fleet, world, now };
}

/** The TXT lookup, under the test's hand. */
function holdTxt(world: World): (reply: readonly string[] | "nxdomain" | "timeout") => void {
  const { promise, resolve } = Promise.withResolvers<readonly string[] | "nxdomain" | "timeout">();
  world.dns.table[`TXT _mta-sts.${DOMAIN}`] = promise;
  return resolve;
}

function kindsOf(world: World): string[] {
  return world.events.map(({ kind }) => kind);
}

Deno.test("fleet: a signed policy answers a new domain at once, and TXT goes on behind", async () => {
  const { fleet, world, now } = createHost();
  const answerTxt = holdTxt(world);
  const shared = sharedPolicy(DOMAIN, { fetchedAt: now - HOUR });
  fleet.known[DOMAIN] = { policy: shared };
  const resolution = await world.resolve(DOMAIN);
  assertEquals([resolution.outcome, resolution.answer.kind], ["shared", "secure"]);
  assertEquals(kindsOf(world), ["shared", "mx", "answer"]);
  const stored = world.stored(DOMAIN);
  assertEquals([stored?.fetchedAt, stored?.expiresAt], [now - HOUR, shared.expiresAt]);
  // Its check is under way: no reply is kept ready meanwhile.
  assert(resolution.until <= now);
  assertEquals(await world.outcome(DOMAIN), "rechecking");
  answerTxt(["v=STSv1; id=1;"]);
  await settle();
  assertEquals(await world.outcome(DOMAIN), "fresh");
  assertEquals([world.fetches, fleet.log.filter((line) => !line.startsWith("view"))], [[], [
    `ask ${DOMAIN}`,
  ]]);
});

Deno.test("fleet: all queries that wait for one check are answered with the signed policy", async () => {
  const { fleet, world, now } = createHost();
  holdTxt(world);
  const { promise, resolve } = Promise.withResolvers<{ policy: ReturnType<typeof sharedPolicy> }>();
  fleet.known[DOMAIN] = promise;
  const queries = [world.outcome(DOMAIN), world.outcome(DOMAIN)];
  await settle();
  resolve({ policy: sharedPolicy(DOMAIN, { fetchedAt: now }) });
  assertEquals(await Promise.all(queries), ["shared", "shared"]);
});

Deno.test("fleet: a TXT record with another id has the policy fetched behind the answer", async () => {
  const { fleet, world, now } = createHost();
  world.publish(DOMAIN, { id: "2", mx: ["new.d.example"] });
  const answerTxt = holdTxt(world);
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR }) };
  assertEquals(await world.outcome(DOMAIN), "shared");
  answerTxt(["v=STSv1; id=2;"]);
  await settle();
  assertEquals(world.resolver.report(DOMAIN).held?.id, "2");
  assertEquals(fleet.claims[0]?.newerThan, now - HOUR - 2 * MINUTE);
  assertEquals(fleet.log.slice(-2), [`claim ${DOMAIN} 2`, `publish ${DOMAIN} 2`]);
});

for (const txt of ["nxdomain", "timeout"] as const) {
  Deno.test(`fleet: a signed policy stays in use although TXT gives ${txt} (row 3)`, async () => {
    const { fleet, world, now } = createHost();
    world.dns.table[`TXT _mta-sts.${DOMAIN}`] = txt;
    fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR }) };
    assertEquals(await world.reply(DOMAIN), SECURE);
    await settle();
    assert(kindsOf(world).includes("kept"));
    assertEquals(await world.reply(DOMAIN), SECURE);
  });
}

Deno.test("fleet: an unsigned policy stands in for the fetch of its own id", async () => {
  const { fleet, world, now } = createHost();
  world.publish(DOMAIN, { id: "1" });
  fleet.known[DOMAIN] = {
    policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR, isSigned: false }),
  };
  assertEquals(await world.outcome(DOMAIN), "shared");
  assertEquals([world.fetches, fleet.claims], [[], []]);
  assertEquals(await world.outcome(DOMAIN), "fresh");
});

Deno.test("fleet: an unsigned policy does not stand in for a fetch after a purge", async () => {
  const { fleet, world, now } = createHost();
  world.publish(DOMAIN, { mx: ["new.d.example"] });
  const answerTxt = holdTxt(world);
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now, isSigned: false }) };
  const query = world.outcome(DOMAIN);
  await settle();
  world.resolver.purge(DOMAIN);
  answerTxt(["v=STSv1; id=1;"]);
  assertEquals([await query, world.fetches], ["fetched", [DOMAIN]]);
});

Deno.test("fleet: an unsigned policy under another id, or without a record, is not taken", async () => {
  for (const txt of [["v=STSv1; id=2;"], "nxdomain"] as const) {
    const { fleet, world, now } = createHost();
    world.publish(DOMAIN, { id: "2", mx: ["new.d.example"] });
    world.dns.table[`TXT _mta-sts.${DOMAIN}`] = txt;
    fleet.known[DOMAIN] = {
      policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR, isSigned: false }),
    };
    assertEquals(await world.outcome(DOMAIN), txt === "nxdomain" ? "no-record" : "fetched");
    assertEquals(kindsOf(world).includes("shared"), false);
  }
});

Deno.test("fleet: a policy that has expired is not taken", async () => {
  const { fleet, world, now } = createHost();
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR, maxAge: 3600 }) };
  assertEquals(await world.outcome(DOMAIN), "no-record");
});

Deno.test("fleet: a policy that was replaced does not come back when its successor has expired", async () => {
  const { fleet, world, now } = createHost();
  const policy = sharedPolicy(DOMAIN, { fetchedAt: now - HOUR });
  world.publish(DOMAIN, { id: "2", mode: "none", mx: [], maxAge: 600 });
  assertEquals(await world.outcome(DOMAIN), "fetched");
  world.dns.table[`TXT _mta-sts.${DOMAIN}`] = "nxdomain";
  fleet.known[DOMAIN] = { policy };
  for (const isRestarted of [false, true]) {
    await world.clock.advance(HOUR);
    if (isRestarted) world.restart();
    assertEquals(await world.outcome(DOMAIN), "no-record");
    fleet.tell({ kind: "policy", policy });
    assertEquals(world.resolver.report(DOMAIN).held, undefined);
  }
});

Deno.test("fleet: a policy from the future counts from now on", async () => {
  const { fleet, world, now } = createHost();
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now + MINUTE, maxAge: 3600 }) };
  assertEquals(await world.outcome(DOMAIN), "shared");
  const stored = world.stored(DOMAIN);
  assertEquals([stored?.fetchedAt, stored?.expiresAt], [now, now + HOUR]);
});

Deno.test("fleet: a policy taken while the cache file cannot be read does not replace a newer one there", async () => {
  for (const isNewer of [true, false]) {
    const store = createFaultyStore();
    const { fleet, world, now } = createHost({ store });
    const inFile = sharedPolicy(DOMAIN, {
      ...{ id: "9", mode: "testing" },
      fetchedAt: isNewer ? now - HOUR : now - 3 * HOUR,
    });
    store.putPolicy({ ...inFile, lastUsedAt: now, refreshAt: now + HOUR });
    store.takeAway();
    fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - 2 * HOUR }) };
    assertEquals(await world.reply(DOMAIN), SECURE);
    store.giveBack();
    const id = isNewer ? "9" : "1";
    assertEquals([world.resolver.report(DOMAIN).held?.id, world.stored(DOMAIN)?.id], [id, id]);
  }
});

Deno.test("fleet: the fleet is not asked for what is held, in memory or in the store", async () => {
  const { fleet, world } = createHost();
  world.publish(DOMAIN);
  assertEquals(await world.outcome(DOMAIN), "fetched");
  fleet.log.length = 0;
  await world.clock.advance(6 * MINUTE);
  assertEquals(await world.outcome(DOMAIN), "rechecking");
  await settle();
  world.restart();
  assertEquals(await world.outcome(DOMAIN), "rechecking");
  await settle();
  assertEquals(fleet.log, []);
});

Deno.test("fleet: an absence counts for as long as ever if the fleet was asked, else for 30 seconds", async () => {
  for (const isReachable of [true, false]) {
    const { fleet, world, now } = createHost();
    fleet.isReachable = isReachable;
    const { outcome, until } = await world.resolve(DOMAIN);
    assertEquals([outcome, until - now], ["no-record", isReachable ? 5 * MINUTE : 30_000]);
    const before = fleet.log.length;
    await world.clock.advance(31_000);
    await world.outcome(DOMAIN);
    assertEquals(fleet.log.length - before, isReachable ? 0 : 1);
  }
});

Deno.test("fleet: what was found absent is forgotten when the engine is back, for news was missed", async () => {
  const { fleet, world, now } = createHost();
  fleet.isReachable = false;
  const { token } = await world.resolve(DOMAIN);
  fleet.isReachable = true;
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR }) };
  assertEquals(await world.outcome("other.example"), "no-record");
  const asked = await world.resolve("other.example");
  fleet.tell({ kind: "back" });
  assertEquals([token.valid, asked.token.valid], [false, false]);
  assertEquals(await world.outcome(DOMAIN), "shared");
});

Deno.test("fleet: an engine that comes and goes does not have all that is absent looked up each time", async () => {
  const { fleet, world } = createHost();
  assertEquals(await world.outcome(DOMAIN), "no-record");
  let lookups = 0;
  // As with a Redis that stands still for a moment, again and again.
  for (let second = 0; second < 60; second += 2) {
    const before = fleet.log.length;
    fleet.tell({ kind: "back" });
    assertEquals(await world.outcome(DOMAIN), "no-record");
    lookups += fleet.log.length - before;
    await world.clock.advance(2000);
  }
  assertEquals(lookups, 2);
  await world.clock.advance(30_000);
  const { token } = await world.resolve(DOMAIN);
  fleet.tell({ kind: "back" });
  assertEquals(token.valid, false);
});

Deno.test("fleet: the failed fetch of another host holds the own one off, for the same id only", async () => {
  for (const id of ["1", "2"]) {
    const { fleet, world, now } = createHost();
    world.publish(DOMAIN, { id: "1" });
    fleet.known[DOMAIN] = { failure: sharedFailure(DOMAIN, now - MINUTE, id) };
    const { outcome, until } = await world.resolve(DOMAIN);
    assertEquals(outcome, id === "1" ? "fetch-failed" : "fetched");
    if (id === "1") assertEquals([until, world.fetches], [now + 4 * MINUTE, []]);
  }
});

Deno.test("fleet: a refresh by hand asks nobody, fetches and publishes, back-off or not", async () => {
  const { fleet, world, now } = createHost();
  world.publish(DOMAIN);
  fleet.known[DOMAIN] = {
    policy: sharedPolicy(DOMAIN, { fetchedAt: now }),
    failure: sharedFailure(DOMAIN, now),
  };
  const result = await world.resolver.check(DOMAIN, { force: true });
  assertEquals(result?.outcome, "fetched");
  assertEquals(fleet.log, [`claim ${DOMAIN} 1 forced`, `publish ${DOMAIN} 1`]);
  assertEquals(fleet.published[0]?.fetchedAt, now);
});

Deno.test("fleet: a late answer of the engine costs no more than its own wait", async () => {
  const { fleet, world } = createHost();
  world.publish(DOMAIN);
  const late = Promise.withResolvers<undefined>();
  fleet.known[DOMAIN] = late.promise;
  const query = world.outcome(DOMAIN);
  world.clock.setTimer(() => late.resolve(undefined), 200);
  await world.clock.advance(200);
  assertEquals(await query, "fetched");
});

Deno.test("fleet: no answer waits beyond its deadline for the engine", async () => {
  const { fleet, world } = createHost();
  fleet.known[DOMAIN] = new Promise(() => {});
  const query = world.outcome(DOMAIN, { ...ZONE, timeout: 1000 });
  await world.clock.advance(1000);
  assertEquals(await query, "deadline");
});
