import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";
const TLSA = "TLSA _25._tcp.mx.example.com";
const SECURE = "OK secure match=mx.example.com servername=hostname";
const USABLE = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) };

/** A signed domain with an enforced policy, without TLSA records. */
function signed(): World {
  const world = createWorld();
  world.publish(DOMAIN, { maxAge: 30 * 86400 });
  const { table } = world.dns;
  table[`MX ${DOMAIN}`] = {
    records: [{ preference: 10, exchange: "mx.example.com" }],
    secure: true,
    ttl: 300,
  };
  table["A mx.example.com"] = { records: ["192.0.2.1"], secure: true, ttl: 300 };
  table["AAAA mx.example.com"] = { kind: "nodata", secure: true, ttl: 300 };
  table[TLSA] = { kind: "nodata", secure: true, ttl: 300 };
  return world;
}

function breakDns(world: World): void {
  for (const question of Object.keys(world.dns.table)) world.dns.table[question] = "servfail";
}

Deno.test("DANE goes before MTA-STS: dane-only (RFC 8461 §2)", async () => {
  const world = signed();
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  assertEquals(await world.reply(DOMAIN, { dane: "off" }), SECURE);
});

Deno.test("a TLSA lookup that fails is never taken for no DANE (RFC 7672 §2.1)", async () => {
  const world = signed();
  world.dns.table[TLSA] = "servfail";
  assertEquals(await world.reply(DOMAIN), "TEMP cannot check example.com for DANE: DNS servfail");
  // With DANE switched off, the policy alone decides, and the names of the hosts are not known.
  assertEquals(await world.reply(DOMAIN, { dane: "off" }), SECURE);
});

Deno.test("TLSA records seen before keep the answer at dane-only while lookups fail", async () => {
  const world = signed();
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  breakDns(world);
  for (let hour = 0; hour < 23; hour++) {
    await world.clock.advance(HOUR);
    assertEquals(await world.reply(DOMAIN), "OK dane-only");
    world.restart();
  }
  await world.clock.advance(HOUR);
  assertStringIncludes(await world.reply(DOMAIN), "TEMP cannot check example.com for DANE");
});

Deno.test("behind a resolver that does not validate, DANE is not asked for", async () => {
  const world = signed();
  world.dnssec = false;
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), SECURE);
  assertEquals(world.dns.questions.includes(TLSA), false);
  const required = await world.reply(DOMAIN, { dane: "require" });
  assertStringIncludes(required, "TEMP cannot check example.com for DANE: the resolver does not");
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  await world.clock.advance(2 * DAY);
  assertEquals(await world.reply(DOMAIN), SECURE);
});

Deno.test("a stale view is replaced within 40 ms, or stands in when DNS is slow (RFC 8767)", async () => {
  const world = signed();
  assertEquals(await world.reply(DOMAIN), SECURE);
  await world.clock.advance(10 * MINUTE);
  const usable = { records: [USABLE], secure: true };
  world.dns.table[TLSA] = { reply: usable, delay: 39 };
  const prompt = world.reply(DOMAIN);
  await world.clock.advance(40);
  assertEquals(await prompt, "OK dane-only");

  await world.clock.advance(10 * MINUTE);
  world.dns.table[TLSA] = { reply: { kind: "nodata", secure: true, ttl: 300 }, delay: 3000 };
  const slow = world.reply(DOMAIN);
  await world.clock.advance(40);
  assertEquals(await slow, "OK dane-only");
  await world.clock.advance(3000);
  assertEquals(await world.reply(DOMAIN), SECURE);
});

Deno.test("after lookups failed, a known next hop is answered at once for 30 seconds", async () => {
  const world = signed();
  await world.reply(DOMAIN);
  await world.clock.advance(10 * MINUTE);
  breakDns(world);
  await world.reply(DOMAIN);
  await settle();
  world.dns.questions.length = 0;
  const resolution = world.resolve(DOMAIN);
  assert(!(resolution instanceof Promise));
  assertEquals(resolution.answer.kind, "secure");
  assertEquals(world.dns.questions, []);
});

Deno.test("when no MX host matches the policy, Postfix defers (RFC 8461 §4.1)", async () => {
  const world = signed();
  world.publish(DOMAIN, { mx: ["*.example.org"] });
  assertEquals(
    await world.reply(DOMAIN),
    "TEMP no MX host of example.com matches its MTA-STS policy",
  );
});

Deno.test("wildcards are answered as the exact names of the MX hosts that match (RFC 8461 §4.1)", async () => {
  const world = createWorld();
  world.publish(DOMAIN, { mx: ["*.example.com"] });
  world.dns.table[`MX ${DOMAIN}`] = ["b.example.com", "a.b.example.com", "a.example.com"]
    .map((exchange, preference) => ({ preference, exchange }));
  const exact = "OK secure match=b.example.com:a.example.com servername=hostname";
  assertEquals(await world.reply(DOMAIN), exact);
});

Deno.test("a damaged view in the store counts as not stored", async () => {
  for (
    const json of [
      "",
      "[",
      "null",
      "7",
      '{"dane":"usable"}',
      '{"dane":"never","life":1}',
      '{"dane":"absent","life":-1}',
      '{"dane":"absent","life":"1"}',
      '{"dane":"absent","life":1000,"hosts":["a b"]}',
      '{"dane":"absent","life":1000,"hosts":"a"}',
    ]
  ) {
    const world = signed();
    world.store.putMx({ nextHop: DOMAIN, json, checkedAt: world.clock.now() });
    world.dns.table[TLSA] = { records: [USABLE], secure: true };
    assertEquals(await world.reply(DOMAIN), "OK dane-only");
  }
});
