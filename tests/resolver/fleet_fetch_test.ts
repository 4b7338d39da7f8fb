import { assert, assertEquals } from "@std/assert";
import type { FleetClaim } from "../../src/fleet/types.ts";
import { createFakeExchange, sharedFailure, sharedPolicy } from "../fakes/fake_exchange.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "d.example";

type Ended = Exclude<FleetClaim, { kind: "fetch" }>;

function createHost(options: Parameters<typeof createWorld>[0] = {}) {
  const fleet = createFakeExchange();
  const world = createWorld({ fleet, ...options });
  world.publish(DOMAIN);
  return { fleet, world, now: world.clock.now() };
}

/** The host holds a policy that it fetched itself; the log is empty after that. */
async function createHolder() {
  const host = createHost();
  assertEquals(await host.world.outcome(DOMAIN), "fetched");
  host.fleet.log.length = host.fleet.claims.length = host.fleet.published.length = 0;
  host.world.fetches.length = host.world.events.length = 0;
  return host;
}

function heldBy(world: World) {
  return world.resolver.report(DOMAIN).held;
}

Deno.test("fleet: a fetch is claimed first, and told afterwards", async () => {
  const { fleet, world, now } = createHost();
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assertEquals(fleet.log.slice(0, 3), [
    `ask ${DOMAIN}`,
    `claim ${DOMAIN} 1`,
    `publish ${DOMAIN} 1`,
  ]);
  assertEquals(fleet.claims, [{ id: "1", newerThan: 0, heldText: undefined, isForced: false }]);
  const { domain, id, text, fetchedAt, expiresAt } = fleet.published[0]!;
  assertEquals([domain, id, fetchedAt, expiresAt], [DOMAIN, "1", now, now + 7 * DAY]);
  assertEquals(text, world.hosts[DOMAIN]);
});

Deno.test("fleet: a fetch that failed at the policy host is published with its back-off", async () => {
  const { fleet, world } = createHost();
  world.hosts[DOMAIN] = "no policy";
  assertEquals(await world.outcome(DOMAIN), "fetch-failed");
  assertEquals(fleet.log.at(-1), `publish ${DOMAIN} policy-syntax`);
});

Deno.test("fleet: a policy with a max_age of 0 is not published, and the lease ends", async () => {
  const { fleet, world } = createHost();
  world.publish(DOMAIN, { maxAge: 0 });
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assert(fleet.log.includes(`release ${DOMAIN}`));
  assertEquals(fleet.published, []);
});

Deno.test("fleet: a bug in the fetch gives the lease back", async () => {
  const { fleet, world } = createHost({ fetchPolicy: () => Promise.reject(new Error("bug")) });
  const failed = await world.resolver.check(DOMAIN)?.then(() => "", ({ message }) => message);
  assertEquals([failed, fleet.log.at(-1)], ["bug", `release ${DOMAIN}`]);
});

for (const isSigned of [true, false]) {
  const word = isSigned ? "signed" : "unsigned";
  Deno.test(`fleet: what another host fetched is taken in place of the fetch, ${word}`, async () => {
    const { fleet, world, now } = createHost();
    const end = Promise.withResolvers<Ended>();
    fleet.ends.push(end.promise);
    const query = world.outcome(DOMAIN);
    await world.clock.advance(4000);
    const policy = sharedPolicy(DOMAIN, { fetchedAt: now + 4000, isSigned });
    end.resolve({ kind: "learned", policy });
    assertEquals([await query, world.fetches], ["shared", []]);
    assertEquals(world.stored(DOMAIN)?.fetchedAt, now + 4000);
    assertEquals(await world.outcome(DOMAIN), "fresh");
  });
}

Deno.test("fleet: news that came before the claim ended is the result of the check", async () => {
  const { fleet, world, now } = createHost();
  const end = Promise.withResolvers<Ended>();
  fleet.ends.push(end.promise);
  const query = world.outcome(DOMAIN);
  await settle();
  const policy = sharedPolicy(DOMAIN, { fetchedAt: now });
  fleet.tell({ kind: "policy", policy });
  assertEquals(await query, "shared");
  end.resolve({ kind: "learned", policy });
  await settle();
  assertEquals(world.fetches, []);
  assertEquals(world.events.filter(({ kind }) => kind === "shared").length, 1);
});

Deno.test("fleet: another host's failure for the id ends the check like an own back-off", async () => {
  const { fleet, world, now } = createHost();
  fleet.ends.push({ kind: "failed", failure: sharedFailure(DOMAIN, now) });
  const { outcome, until } = await world.resolve(DOMAIN);
  assertEquals([outcome, until, world.fetches], ["fetch-failed", now + 5 * MINUTE, []]);
  assertEquals(world.events.map(({ kind }) => kind), ["txt", "mx", "held-off", "answer"]);
  assertEquals(world.stored(DOMAIN), undefined);
  assertEquals(world.store.getFailure(DOMAIN)?.failedAt, now);
});

Deno.test("fleet: a failure whose time is over does not count: this host fetches", async () => {
  const { fleet, world, now } = createHost();
  fleet.ends.push({ kind: "failed", failure: sharedFailure(DOMAIN, now - 5 * MINUTE) });
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assertEquals(fleet.log.slice(1, 3), [`claim ${DOMAIN} 1`, `claim ${DOMAIN} 1 forced`]);
});

Deno.test("fleet: whoever never gets the right to fetch fetches without it", async () => {
  const { fleet, world, now } = createHost();
  const failure = sharedFailure(DOMAIN, now, "other");
  fleet.ends.push({ kind: "failed", failure }, { kind: "failed", failure });
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assertEquals([fleet.claims.length, fleet.published], [2, []]);
});

Deno.test("fleet: a refresh that is due takes what another host has just fetched", async () => {
  const { fleet, world, now } = await createHolder();
  await world.clock.advance(DAY + HOUR);
  await world.resolver.check(DOMAIN);
  const { token } = await world.resolve(DOMAIN);
  world.events.length = fleet.log.length = fleet.claims.length = 0;
  await world.clock.advance(DAY + HOUR);
  const fetchedAt = world.clock.now() - 1000;
  fleet.ends.push({ kind: "learned", policy: sharedPolicy(DOMAIN, { fetchedAt }) });
  const result = await world.resolver.check(DOMAIN);
  assertEquals(result?.outcome, "shared");
  assertEquals(heldBy(world)?.fetchedAt, fetchedAt);
  assertEquals(fleet.claims[0]?.newerThan, now + DAY + HOUR);
  assertEquals(fleet.claims[0]?.heldText, world.hosts[DOMAIN]);
  // The text is the same: replies that rest on it stay ready.
  assertEquals(token.valid, true);
  assertEquals(world.stored(DOMAIN)?.refreshAt, fetchedAt + DAY);
});

Deno.test("fleet: an unsigned text never replaces a held one, though TXT has its id", async () => {
  const { fleet, world } = await createHolder();
  await world.clock.advance(6 * MINUTE);
  world.publish(DOMAIN, { id: "2", mx: ["true.d.example"] });
  const forged = sharedPolicy(DOMAIN, {
    ...{ id: "2", mode: "none", mx: [], isSigned: false },
    fetchedAt: world.clock.now(),
  });
  fleet.ends.push({ kind: "learned", policy: forged });
  const result = await world.resolver.check(DOMAIN);
  assertEquals([result?.outcome, heldBy(world)?.policy.mx], ["replaced", ["true.d.example"]]);
  assertEquals(fleet.log.slice(0, 2), [`claim ${DOMAIN} 2`, `claim ${DOMAIN} 2 forced`]);
});

Deno.test("fleet: an unsigned entry with the held text does not hide what a new id stands for", async () => {
  const { fleet, world, now } = await createHolder();
  await world.clock.advance(6 * MINUTE);
  world.publish(DOMAIN, { id: "2", mx: ["new.d.example"] });
  for (const fetchedAt of [now - 1, world.clock.now()]) {
    const policy = sharedPolicy(DOMAIN, { id: "2", isSigned: false, fetchedAt });
    fleet.ends.push({ kind: "learned", policy });
  }
  assertEquals((await world.resolver.check(DOMAIN))?.outcome, "replaced");
  assertEquals(heldBy(world)?.policy.mx, ["new.d.example"]);
});

Deno.test("fleet: a signed policy replaces a held one under a new id", async () => {
  const { fleet, world } = await createHolder();
  await world.clock.advance(6 * MINUTE);
  world.publish(DOMAIN, { id: "2", mx: ["new.d.example"] });
  const policy = sharedPolicy(DOMAIN, {
    ...{ id: "2", mx: ["new.d.example"] },
    fetchedAt: world.clock.now(),
  });
  fleet.ends.push({ kind: "learned", policy });
  const result = await world.resolver.check(DOMAIN);
  assertEquals([result?.outcome, heldBy(world)?.id, world.fetches], ["shared", "2", []]);
});

Deno.test("fleet: a new id for the text that is held costs no fetch once a host has made it", async () => {
  const { fleet, world, now } = await createHolder();
  // The news moves the times; the id stays until the own record has it.
  const policy = sharedPolicy(DOMAIN, { id: "2", fetchedAt: now + MINUTE });
  await world.clock.advance(6 * MINUTE);
  fleet.tell({ kind: "policy", policy });
  assertEquals([heldBy(world)?.id, heldBy(world)?.fetchedAt], ["1", now + MINUTE]);
  world.publish(DOMAIN, { id: "2" });
  fleet.ends.push({ kind: "learned", policy });
  assertEquals((await world.resolver.check(DOMAIN))?.outcome, "shared");
  assertEquals(fleet.claims[0]?.newerThan, now - MINUTE);
  assertEquals([heldBy(world)?.id, world.fetches], ["2", []]);
  assertEquals((await world.resolver.check(DOMAIN))?.outcome, "unchanged");
});

Deno.test("fleet: a check that waits for another host's fetch holds no place", async () => {
  const { fleet, world, now } = createHost({
    settings: { discoveries: 1, memory: { entries: 100, policyOctets: 1e6, viewOctets: 1e6 } },
  });
  world.publish("other.example");
  const end = Promise.withResolvers<Ended | "fetch">();
  fleet.ends.push(end.promise);
  const waits = world.outcome(DOMAIN);
  await settle();
  assertEquals(await world.outcome("other.example"), "fetched");
  assertEquals(world.resolver.load(), { running: 1, waiting: 0 });
  end.resolve("fetch");
  assertEquals(await waits, "fetched");
  assertEquals(world.resolver.load(), { running: 0, waiting: 0 });
  assertEquals(world.clock.now(), now);
});

Deno.test("fleet: a host without a place for the fetch gives its lease back after a second", async () => {
  const gate = Promise.withResolvers<void>();
  const { fleet, world } = createHost({
    settings: { discoveries: 1 },
    fetchPolicy: async () => {
      await gate.promise;
      return { kind: "failed", reason: "timeout", detail: "" };
    },
  });
  const end = Promise.withResolvers<Ended | "fetch">();
  fleet.ends.push(end.promise);
  const checks = [world.resolver.check(DOMAIN)];
  await settle();
  for (const domain of ["one.example", "two.example"]) {
    world.publish(domain);
    checks.push(world.resolver.check(domain));
  }
  await world.clock.advance(1500);
  end.resolve("fetch");
  await world.clock.advance(900);
  const released = () => fleet.log.filter((line) => line.startsWith("release"));
  assertEquals(released(), []);
  await world.clock.advance(200);
  assertEquals(released(), [`release ${DOMAIN}`]);
  gate.resolve();
  await Promise.all(checks);
  assertEquals(fleet.log.filter((line) => line === `publish ${DOMAIN} timeout`), []);
  assertEquals(released(), [`release ${DOMAIN}`]);
});

Deno.test("fleet: while the engine cannot be asked, a claim keeps its place", async () => {
  const { fleet, world } = createHost({ settings: { discoveries: 1 } });
  fleet.isReachable = false;
  world.publish("other.example");
  const end = Promise.withResolvers<Ended | "fetch">();
  fleet.ends.push(end.promise);
  const waits = world.outcome(DOMAIN);
  await settle();
  const other = world.outcome("other.example");
  await settle();
  assertEquals(world.resolver.load(), { running: 1, waiting: 1 });
  end.resolve("fetch");
  assertEquals([await waits, await other], ["fetched", "fetched"]);
});
