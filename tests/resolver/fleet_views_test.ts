import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FleetView } from "../../src/fleet/types.ts";
import { writeView } from "../../src/resolver/stored_view.ts";
import type { MxView } from "../../src/resolver/types.ts";
import { createFakeExchange, sharedPolicy } from "../fakes/fake_exchange.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "d.example";
const SECURE = "OK secure match=mx.d.example servername=hostname";
const USABLE = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) };

/** A host that knows nothing, in a fleet that knows the policy. */
function createHost(options: Parameters<typeof createWorld>[0] = {}) {
  const fleet = createFakeExchange();
  const world = createWorld({ fleet, ...options });
  const now = world.clock.now();
  fleet.known[DOMAIN] = { policy: sharedPolicy(DOMAIN, { fetchedAt: now - HOUR }) };
  const share = (view: Partial<MxView> = {}): FleetView => fleet.views[DOMAIN] = viewAt(now, view);
  return { fleet, world, now, share };
}

function viewAt(now: number, given: Partial<MxView> = {}): FleetView {
  return writeView({
    ...{ nextHop: DOMAIN, dane: "absent", hosts: ["mx.d.example"], daneHosts: [], skipped: [] },
    ...{ validated: true, checkedAt: now - HOUR, freshUntil: now + HOUR },
    ...given,
  });
}

/** DNS answers nothing any more. */
function mute(world: World): void {
  const silence = new Promise<never>(() => {});
  for (const question of [`TXT _mta-sts.${DOMAIN}`, `MX ${DOMAIN}`]) {
    world.dns.table[question] = silence;
  }
}

async function replyWithin(world: World, ms: number): Promise<string> {
  const reply = world.reply(DOMAIN);
  await world.clock.advance(ms);
  return await Promise.race([reply, Promise.resolve("no reply")]);
}

Deno.test("fleet: a new host answers within a second while DNS is mute", async () => {
  const { world, share } = createHost();
  share();
  mute(world);
  assertEquals(await replyWithin(world, 999), SECURE);
  // Its own look at DNS is still on the way; what stands in is not asked for again.
  assertEquals(await replyWithin(world, 0), "no reply");
  assertEquals(await replyWithin(world, 750), SECURE);
});

Deno.test("fleet: without a view of another host DNS has all the time it had", async () => {
  const { world, fleet } = createHost();
  mute(world);
  const reply = world.reply(DOMAIN);
  await world.clock.advance(9999);
  assertEquals(await Promise.race([reply, Promise.resolve("waits")]), "waits");
  await world.clock.advance(1);
  assertStringIncludes(await reply, "TEMP cannot check d.example for DANE");
  assertEquals(fleet.log.filter((line) => line === `view ${DOMAIN}`).length, 1);
});

Deno.test("fleet: DANE that another host saw is not overridden while lookups fail", async () => {
  const { world, share } = createHost();
  share({ dane: "usable", daneHosts: ["mx.d.example"] });
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
});

Deno.test("fleet: a lookup that works counts, whatever the fleet says", async () => {
  const { world, share } = createHost();
  share({ dane: "usable", daneHosts: ["mx.d.example"] });
  world.dns.table[`MX ${DOMAIN}`] = {
    reply: { records: [{ preference: 10, exchange: "mx.d.example" }] },
    delay: 700,
  };
  assertEquals(await replyWithin(world, 700), SECURE);
});

Deno.test("fleet: DANE that another host saw is kept against an answer that was not validated", async () => {
  const { world, share } = createHost();
  world.dnssec = undefined;
  world.dns.dnssec = { kind: "unknown" } as typeof world.dns.dnssec;
  share({ dane: "usable", daneHosts: ["mx.d.example"] });
  world.dns.table[`MX ${DOMAIN}`] = {
    reply: { records: [{ preference: 10, exchange: "mx.d.example" }] },
    delay: 2000,
  };
  assertEquals(await replyWithin(world, 750), "OK dane-only");
  await world.clock.advance(3000);
  assertEquals(await replyWithin(world, 750), "OK dane-only");
});

Deno.test("fleet: a view stands in for a day, and only one that can be read and counts", async () => {
  for (
    const wrong of [
      { checkedAt: "a day ago" },
      { json: "{}" },
      { nextHop: "other.example" },
      { dane: "unchecked" },
      { validated: false },
    ]
  ) {
    const { world, fleet, now } = createHost();
    const given = viewAt(now, {
      ...("dane" in wrong && { dane: "unchecked" as const }),
      ...("validated" in wrong && { validated: false }),
      ...("checkedAt" in wrong && { checkedAt: now - DAY, freshUntil: now }),
    });
    const { json = given.json, nextHop = given.nextHop } = wrong as Partial<FleetView>;
    fleet.views[DOMAIN] = { ...given, json, nextHop };
    world.dns.table[`MX ${DOMAIN}`] = "servfail";
    assertStringIncludes(await world.reply(DOMAIN), "TEMP cannot check", JSON.stringify(wrong));
  }
});

Deno.test("fleet: the fleet is not asked for a view while an own one can stand in", async () => {
  const { world, fleet } = createHost();
  world.publish(DOMAIN);
  assertEquals(await world.reply(DOMAIN), SECURE);
  fleet.log.length = 0;
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  await world.clock.advance(2 * HOUR);
  assertEquals(await world.reply(DOMAIN), SECURE);
  assertEquals(fleet.log, []);
});

Deno.test("fleet: what DNS said is published once an hour, or when it changes", async () => {
  const { world, fleet } = createHost();
  world.publish(DOMAIN);
  const count = async (ms: number) => {
    await world.clock.advance(ms);
    await world.reply(DOMAIN);
    return fleet.publishedViews.length;
  };
  assertEquals(await count(0), 1);
  assertEquals(await count(6 * MINUTE), 1);
  world.dns.table[`TLSA _25._tcp.mx.${DOMAIN}`] = { records: [USABLE], secure: true };
  world.dns.table[`A mx.${DOMAIN}`] = { records: ["192.0.2.1"], secure: true };
  world.dns.table[`MX ${DOMAIN}`] = {
    records: [{ preference: 10, exchange: "mx.d.example" }],
    secure: true,
  };
  assertEquals(await count(6 * MINUTE), 2);
  assertEquals(await count(HOUR), 3);
  assertEquals(fleet.publishedViews.at(-1)?.nextHop, DOMAIN);
});

Deno.test("fleet: what was seen without validation is not published", async () => {
  const { world, fleet } = createHost();
  world.dnssec = false;
  world.publish(DOMAIN);
  assertEquals(await world.reply(DOMAIN), SECURE);
  assertEquals(fleet.publishedViews, []);
});

Deno.test("fleet: a purge forgets the view of another host as well", async () => {
  const { world, share } = createHost();
  share();
  mute(world);
  assertEquals(await replyWithin(world, 750), SECURE);
  world.resolver.purge(DOMAIN);
  assertEquals(world.resolver.report(DOMAIN).mx, undefined);
});

Deno.test("fleet: what another host saw does not come back after a purge in the middle of a query", async () => {
  const { world, share } = createHost();
  share();
  mute(world);
  assertEquals(await replyWithin(world, 100), "no reply");
  world.resolver.purge(DOMAIN);
  await world.clock.advance(1000);
  assertEquals(world.resolver.report(DOMAIN).mx, undefined);
  await world.clock.advance(10_000);
});

Deno.test("a view that is renewed every few minutes is still in the store after more than a day", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  for (let minutes = 0; minutes < 26 * 60; minutes += 6) {
    await world.reply(DOMAIN);
    await world.clock.advance(6 * MINUTE);
  }
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  world.restart();
  assertEquals(await world.reply(DOMAIN), SECURE);
});
