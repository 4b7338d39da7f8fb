import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import { viewOctets } from "../../src/resolver/mx_verdict.ts";
import type { MxView } from "../../src/resolver/types.ts";
import { readKey } from "../../src/sts/domain.ts";
import { formatAnswer } from "../../src/postfix/tls_policy.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { createFaultyStore } from "../fakes/faulty_store.ts";
import type { PromptReply } from "../fakes/fake_dns.ts";
import { createWorld, DAY, HOUR, MINUTE, ZONE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";
const TLSA = "TLSA _25._tcp.mx.example.com";
const SECURE = "OK secure match=mx.example.com servername=hostname";
const USABLE = { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) };

/** A signed domain with an enforced policy, without TLSA records. */
function signed(options: Parameters<typeof createWorld>[0] = {}): World {
  const world = createWorld(options);
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

Deno.test("after its TTL a view gives way to new answers, or stands in when DNS takes seconds (RFC 8767)", async () => {
  const world = signed();
  assertEquals(await world.reply(DOMAIN), SECURE);
  await world.clock.advance(10 * MINUTE);
  const usable = { records: [USABLE], secure: true };
  world.dns.table[TLSA] = { reply: usable, delay: 1499 };
  const prompt = world.reply(DOMAIN);
  await world.clock.advance(1500);
  assertEquals(await prompt, "OK dane-only");

  await world.clock.advance(10 * MINUTE);
  world.dns.table[TLSA] = { reply: { kind: "nodata", secure: true, ttl: 300 }, delay: 3000 };
  const slow = world.reply(DOMAIN);
  await world.clock.advance(1000);
  const later = world.reply(DOMAIN);
  await world.clock.advance(500);
  assertEquals([await slow, await later], ["OK dane-only", "OK dane-only"]);
  // Those who come while the answers are still awaited do not wait as long again.
  assert(!(world.resolve(DOMAIN) instanceof Promise));
  await world.clock.advance(1500);
  assertEquals(await world.reply(DOMAIN), SECURE);
});

/** Makes each answer of the table take its time. */
function slowDown(world: World, delay: number): void {
  for (const [question, reply] of Object.entries(world.dns.table)) {
    world.dns.table[question] = { reply: reply as PromptReply, delay };
  }
}

Deno.test("a DNS that takes 30 ms for each question gives the new view after the TTL, in one round trip", async () => {
  const world = signed();
  assertEquals(await world.reply(DOMAIN), SECURE);
  await world.clock.advance(5 * MINUTE);
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  slowDown(world, 30);
  const reply = world.reply(DOMAIN);
  await world.clock.advance(30);
  assertEquals(await reply, "OK dane-only");
});

Deno.test("a view used late in its life is renewed in the background", async () => {
  const world = signed();
  const first = await world.resolve(DOMAIN);
  // Replies are kept ready up to there only, so that the resolver learns of the use.
  assertEquals(first.until, world.clock.now() + 4.5 * MINUTE);
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  slowDown(world, 30);
  await world.clock.advance(4.5 * MINUTE);
  const late = world.resolve(DOMAIN);
  assert(!(late instanceof Promise));
  assertEquals(late.answer.kind, "secure");
  await world.clock.advance(30);
  const renewed = world.resolve(DOMAIN);
  assert(!(renewed instanceof Promise));
  assertEquals(renewed.answer.kind, "dane-only");
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

/** A signed domain with TLSA records that have been seen. */
async function protectedByDane(): Promise<World> {
  const world = signed();
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  return world;
}

/** From here on a second name server answers, which does not validate, for the first one fails. */
function failOver(world: World): void {
  const { table } = world.dns;
  table[`MX ${DOMAIN}`] = {
    records: [{ preference: 10, exchange: "mx.example.com" }],
    validated: false,
  };
  table["A mx.example.com"] = { records: ["192.0.2.1"], validated: false };
  table["AAAA mx.example.com"] = { kind: "nodata", secure: false, validated: false, ttl: 300 };
  table[TLSA] = { kind: "nodata", secure: false, validated: false, ttl: 300 };
}

for (const dane of ["auto", "require"] as const) {
  Deno.test(`dane: ${dane}: a name server that does not validate never overrides DANE (RFC 8461 §2)`, async () => {
    const settings = { daneRequired: dane === "require" };
    const stranger = createWorld({ settings });
    stranger.publish(DOMAIN);
    failOver(stranger);
    const unvalidated = "TEMP cannot check example.com for DANE: DNS unvalidated";
    assertEquals(await stranger.reply(DOMAIN, { dane }), unvalidated);

    const world = await protectedByDane();
    failOver(world);
    for (let hour = 0; hour < 23; hour++) {
      await world.clock.advance(HOUR);
      assertEquals(await world.reply(DOMAIN, { dane }), "OK dane-only");
      world.restart();
    }
    await world.clock.advance(HOUR);
    assertEquals(await world.reply(DOMAIN, { dane }), unvalidated);
  });
}

Deno.test("TLSA records seen before count although the resolver has ceased to validate, or is not known to", async () => {
  for (const dnssec of [false, undefined]) {
    const world = await protectedByDane();
    failOver(world);
    world.dnssec = dnssec;
    for (const step of [68_000, 10 * MINUTE, 22 * HOUR]) {
      await world.clock.advance(step);
      assertEquals(await world.reply(DOMAIN), "OK dane-only");
      world.restart();
    }
    await world.clock.advance(2 * HOUR);
    assertEquals(await world.reply(DOMAIN), SECURE);
    world.dnssec = true;
    await world.clock.advance(MINUTE);
    assertStringIncludes(await world.reply(DOMAIN), "TEMP cannot check example.com for DANE");
  }
});

Deno.test("a view that was not validated does not replace one that the store cannot show at the moment", async () => {
  const store = createFaultyStore();
  const world = signed({ store });
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  store.takeAway();
  world.dnssec = false;
  world.dns.dnssec = { kind: "does-not-validate", detail: "" };
  world.restart();
  // Learned anew while the file cannot be read.
  assertEquals(await world.reply(DOMAIN), SECURE);
  store.giveBack();
  world.dnssec = true;
  world.dns.dnssec = { kind: "validates" };
  world.dns.table[TLSA] = "servfail";
  world.restart();
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
});

Deno.test("a signed domain that withdraws its TLSA records is believed at once", async () => {
  const world = await protectedByDane();
  await world.clock.advance(5 * MINUTE);
  world.dns.table[TLSA] = { kind: "nodata", secure: true, ttl: 300 };
  assertEquals(await world.reply(DOMAIN), SECURE);
});

Deno.test("dane: require wants a resolver that is known to validate, nothing less", async () => {
  const world = await protectedByDane();
  world.dns.table[TLSA] = { kind: "nodata", secure: true, ttl: 300 };
  await world.clock.advance(5 * MINUTE);
  const answers = [];
  for (const dnssec of [true, false, undefined]) {
    world.dnssec = dnssec;
    answers.push(await world.reply(DOMAIN, { dane: "require" }));
  }
  assertEquals(answers, [
    SECURE,
    "TEMP cannot check example.com for DANE: the resolver does not validate DNSSEC",
    "TEMP cannot check example.com for DANE: it is not known yet whether the resolver validates DNSSEC",
  ]);
});

Deno.test("an answer found while it is not known who validates does not outlive that", async () => {
  const world = signed();
  world.dnssec = undefined;
  failOver(world);
  const early = await world.resolve(DOMAIN);
  assertEquals(early.answer.kind, "secure");
  assert(early.until <= world.clock.now());
  world.dnssec = true;
  assertStringIncludes(await world.reply(DOMAIN), "TEMP cannot check example.com for DANE");
});

Deno.test("who is asked for while it becomes known that the resolver validates gets the right answer", async () => {
  const world = signed();
  world.dnssec = undefined;
  world.dns.dnssec = { kind: "unknown", reason: "timeout", detail: "" };
  const records = [{ preference: 10, exchange: "mx.example.com" }];
  world.dns.table[`MX ${DOMAIN}`] = { reply: { records, validated: false }, delay: 20 };
  const reply = world.reply(DOMAIN);
  await world.clock.advance(10);
  world.dnssec = true;
  world.dns.dnssec = { kind: "validates" };
  await world.clock.advance(9);
  world.dns.table[`MX ${DOMAIN}`] = { reply: { records, secure: true }, delay: 20 };
  world.dns.table[TLSA] = { records: [USABLE], secure: true };
  await world.clock.advance(21);
  assertEquals(await reply, "OK dane-only");
});

Deno.test("a view made while DANE was off says nothing once DANE counts", async () => {
  const store = createMemoryStore({ maxEntries: 100 });
  const clock = new ManualClock();
  const before = createWorld({ settings: { dane: false }, store, clock });
  before.publish(DOMAIN);
  assertEquals(await before.reply(DOMAIN, { dane: "off" }), SECURE);
  const after = createWorld({ store, clock });
  Object.assign(after.dns.table, signed().dns.table);
  after.dns.table[TLSA] = { records: [USABLE], secure: true };
  assertEquals(await after.reply(DOMAIN), "OK dane-only");
  // Nor does it stand in for answers that are not to be had.
  await clock.advance(HOUR);
  const outage = createWorld({ store: createMemoryStore({ maxEntries: 100 }), clock });
  outage.publish(DOMAIN);
  await outage.reply(DOMAIN, { dane: "off" });
  outage.store.putMx({
    nextHop: DOMAIN,
    json: JSON.stringify({ dane: "unchecked", hosts: ["mx.example.com"], life: 300_000 }),
    checkedAt: clock.now(),
  });
  outage.restart();
  breakDns(outage);
  assertStringIncludes(await outage.reply(DOMAIN), "TEMP cannot check example.com for DANE");
});

Deno.test("a view stored by version 1.0 counts as validated only if it found DANE", async () => {
  for (const [dane, expected] of [["usable", "OK dane-only"], ["absent", "TEMP cannot check"]]) {
    const world = signed();
    breakDns(world);
    world.publish(DOMAIN);
    const json = JSON.stringify({ dane, hosts: ["mx.example.com"], life: 300_000 });
    world.store.putMx({ nextHop: DOMAIN, json, checkedAt: world.clock.now() });
    assertStringIncludes(await world.reply(DOMAIN), expected as string);
  }
});

/** m1, signed and without TLSA records, and m2, whose name servers are lame; the policy names m1. */
function lame(mx: string[] = ["m1.sig.test"]): World {
  const world = createWorld();
  world.publish(DOMAIN, { mx });
  Object.assign(world.dns.table, {
    [`MX ${DOMAIN}`]: {
      records: [
        { preference: 10, exchange: "m1.sig.test" },
        { preference: 20, exchange: "m2.lame.test" },
      ],
      secure: true,
    },
    "A m1.sig.test": { records: ["192.0.2.1"], secure: true },
    "AAAA m1.sig.test": { kind: "nodata", secure: true, ttl: 300 },
    "TLSA _25._tcp.m1.sig.test": { kind: "nodata", secure: true, ttl: 300 },
    "A m2.lame.test": "servfail",
    "AAAA m2.lame.test": "servfail",
  });
  return world;
}

const M1 = "OK secure match=m1.sig.test servername=hostname";

Deno.test("an MX host with broken DNS does not defer the domain (RFC 7672 §2.2)", async () => {
  assertEquals(await lame().reply(DOMAIN), M1);
  const silent = lame();
  const silence = { reply: "timeout", delay: HOUR } as const;
  Object.assign(silent.dns.table, { "A m2.lame.test": silence, "AAAA m2.lame.test": silence });
  const reply = silent.reply(DOMAIN);
  await silent.clock.advance(3000);
  assertEquals(await reply, M1);
});

Deno.test("a host that was skipped may have DANE, and is not named where DANE counts", async () => {
  const both = lame(["m1.sig.test", "*.lame.test"]);
  assertEquals(await both.reply(DOMAIN), M1);
  const attributes = await both.reply(DOMAIN, { tlsrpt: true });
  assertStringIncludes(attributes, " policy_domain=example.com mx_host_pattern=m1.sig.test { ");
  assertEquals(
    await both.reply(DOMAIN, { dane: "off" }),
    "OK secure match=m1.sig.test:m2.lame.test servername=hostname",
  );
  assertEquals(
    await lame(["m2.lame.test"]).reply(DOMAIN),
    "TEMP cannot check example.com for DANE: no address of an MX host in its policy can be looked up",
  );
  both.dns.table["A m2.lame.test"] = { records: ["192.0.2.2"], secure: true };
  both.dns.table["TLSA _25._tcp.m2.lame.test"] = { records: [USABLE], secure: true };
  await both.clock.advance(MINUTE);
  assertEquals(await both.reply(DOMAIN), "OK dane-only");
});

Deno.test("TEMP stays when TLSA records cannot be looked up, or no host can", async () => {
  const world = lame();
  world.dns.table["A m2.lame.test"] = { records: ["192.0.2.2"], secure: true };
  world.dns.table["TLSA _25._tcp.m2.lame.test"] = "servfail";
  assertEquals(await world.reply(DOMAIN), "TEMP cannot check example.com for DANE: DNS servfail");
  const dead = lame();
  Object.assign(dead.dns.table, { "A m1.sig.test": "bogus", "AAAA m1.sig.test": "bogus" });
  assertEquals(await dead.reply(DOMAIN), "TEMP cannot check example.com for DANE: DNS bogus");
});

Deno.test("a host that had DANE is not forgotten because its DNS fails", async () => {
  const world = lame();
  const { table } = world.dns;
  table["A m2.lame.test"] = { records: ["192.0.2.2"], secure: true };
  table["TLSA _25._tcp.m2.lame.test"] = { records: [USABLE], secure: true };
  assertEquals(await world.reply(DOMAIN), "OK dane-only");
  Object.assign(table, { "A m2.lame.test": "servfail", "AAAA m2.lame.test": "servfail" });
  for (let hour = 0; hour < 23; hour++) {
    await world.clock.advance(HOUR);
    world.restart();
    assertEquals(await world.reply(DOMAIN), "OK dane-only");
  }
  // Proof that it has none, or a signed MX record set without it, ends that.
  Object.assign(table, { "A m2.lame.test": { kind: "nodata", secure: true, ttl: 300 } });
  Object.assign(table, { "AAAA m2.lame.test": { kind: "nodata", secure: true, ttl: 300 } });
  await world.clock.advance(MINUTE);
  assertEquals(await world.reply(DOMAIN), M1);
});

Deno.test("a service whose port is not known is not taken for one without DANE", async () => {
  const world = signed();
  const ask = async (port: number | null) => {
    const nextHop = { domain: DOMAIN, bracketed: false, port };
    return formatAnswer((await world.resolver.resolve(nextHop, ZONE)).answer, ZONE);
  };
  const unknown =
    "TEMP cannot check example.com for DANE: the port of its service is not known, give it as a number";
  assertEquals([await ask(null), await ask(465)], [unknown, SECURE]);
  world.dns.table["TLSA _465._tcp.mx.example.com"] = { records: [USABLE], secure: true };
  await world.clock.advance(5 * MINUTE);
  assertEquals(await ask(465), "OK dane-only");
  // Where DANE cannot be, the port is of no concern.
  world.dns.table["A mx.example.com"] = ["192.0.2.1"];
  await world.clock.advance(5 * MINUTE);
  assertEquals(await ask(null), SECURE);
});

Deno.test("purge forgets every view of a domain, and what is being looked up for it", async () => {
  const world = signed();
  const hops = [
    { domain: DOMAIN, bracketed: false, port: 25 },
    { domain: DOMAIN, bracketed: false, port: 587 },
    { domain: DOMAIN, bracketed: true, port: 587 },
    { domain: DOMAIN, bracketed: false, port: null },
  ];
  Object.assign(world.dns.table, { [`A ${DOMAIN}`]: { records: ["192.0.2.1"], secure: true } });
  for (const hop of hops) await world.resolver.resolve(hop, ZONE);
  world.resolver.purge(DOMAIN);
  for (const hop of hops) {
    world.dns.questions.length = 0;
    await world.resolver.resolve(hop, ZONE);
    const wanted = hop.bracketed ? `A ${DOMAIN}` : `MX ${DOMAIN}`;
    assert(world.dns.questions.includes(wanted), JSON.stringify(hop));
  }

  let answer = (_: PromptReply) => {};
  await world.clock.advance(6 * MINUTE);
  world.dns.table[TLSA] = new Promise((resolve) => (answer = resolve));
  const early = world.reply(DOMAIN);
  await settle();
  world.resolver.purge(DOMAIN);
  answer({ records: [USABLE], secure: true });
  await early;
  world.dns.table[TLSA] = { kind: "nodata", secure: true, ttl: 300 };
  assertEquals(world.store.getMx(DOMAIN), undefined);
  assertEquals(await world.reply(DOMAIN), SECURE);
});

Deno.test("a domain with an underscore, which Postfix delivers to, is answered like any other", async () => {
  const world = createWorld();
  world.publish("a_b.example", { mx: ["mx.example.com"] });
  world.dns.table["MX a_b.example"] = [
    { preference: 10, exchange: "mx.example.com" },
    { preference: 20, exchange: "mx_2.example.com" },
  ];
  const reading = readKey("A_b.example");
  assert(reading.kind === "next-hop");
  const zone = { ...ZONE, tlsrpt: true };
  const { answer } = await world.resolver.resolve(reading.nextHop, zone);
  assertEquals(formatAnswer(answer, ZONE), SECURE);
  assertStringIncludes(formatAnswer(answer, zone), " policy_domain=a_b.example ");
});

Deno.test("viewOctets() counts each view and each MX host with its name", () => {
  const view = (hosts: readonly string[] | undefined) => ({ hosts } as unknown as MxView);
  const none = viewOctets([view(undefined)]);
  assertEquals(viewOctets([view([]), view(undefined)]), 2 * none);
  const hosts = Array.from({ length: 100 }, (_, number) => `${number}`.padStart(200, "m"));
  assert(viewOctets([view(hosts)]) - none >= 100 * 200);
});
