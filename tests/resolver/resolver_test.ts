import { assert, assertEquals } from "@std/assert";
import type { FetchOutcome } from "../../src/https/types.ts";
import type { ResolverEvent } from "../../src/resolver/types.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";
const TXT = `TXT _mta-sts.${DOMAIN}`;
const ENFORCED = "OK secure match=mx.example.com servername=hostname";
const REFUSED: FetchOutcome = { kind: "failed", reason: "connect", detail: "connection refused" };

/** A world in which the policy of example.com has been fetched and answered. */
async function holding(changes: Parameters<World["publish"]>[1] = {}): Promise<World> {
  const world = createWorld();
  world.publish(DOMAIN, changes);
  await world.resolve(DOMAIN);
  world.events.length = 0;
  world.dns.questions.length = 0;
  world.fetches.length = 0;
  return world;
}

/** Asks after `recheck`, lets the check in the background end, and asks again. */
async function recheck(world: World): Promise<string> {
  await world.clock.advance(5 * MINUTE);
  await world.reply(DOMAIN);
  await settle();
  return await world.reply(DOMAIN);
}

function kinds(events: readonly ResolverEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

Deno.test("fresh: a policy checked lately is answered at once, with no lookup at all", async () => {
  const world = await holding();
  await world.clock.advance(5 * MINUTE - 1);
  // The view of the MX host is fresh for its TTL of five minutes.
  const resolution = world.resolve(DOMAIN);
  assert(!(resolution instanceof Promise));
  assertEquals(resolution.outcome, "fresh");
  assertEquals([world.dns.questions, world.fetches], [[], []]);
});

Deno.test("rechecking: an older check is answered from the cache and repeated in the background", async () => {
  const world = await holding({ mode: "testing" });
  await world.clock.advance(5 * MINUTE);
  const resolution = world.resolve(DOMAIN);
  assert(!(resolution instanceof Promise));
  assertEquals(resolution.outcome, "rechecking");
  assert(resolution.until <= world.clock.now());
  await settle();
  assertEquals([world.dns.questions, world.fetches], [[TXT], []]);
  assertEquals(await world.outcome(DOMAIN), "fresh");
});

Deno.test("unchanged: the same id does not lengthen the life of a policy (RFC 8461 §3.2, §5.1)", async () => {
  const world = await holding({ maxAge: 3600 });
  world.hosts[DOMAIN] = REFUSED;
  for (let minute = 5; minute < 60; minute += 5) assertEquals(await recheck(world), ENFORCED);
  await world.clock.advance(5 * MINUTE);
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
});

for (
  const [name, reply, reason] of [
    ["no record", "nxdomain", "absent"],
    ["several records", ["v=STSv1; id=1;", "v=STSv1; id=2;"], "several"],
    ["an invalid record", ["v=STSv1; id=;"], "invalid"],
    ["SERVFAIL", "servfail", "servfail"],
    ["REFUSED", "refused", "refused"],
    ["a bogus answer", "bogus", "bogus"],
    ["no answer", "timeout", "timeout"],
    ["no resolver", "unreachable", "unreachable"],
  ] as const
) {
  Deno.test(`kept-without-record: with ${name} the cached policy stays in use (RFC 8461 §3.1, §3.3)`, async () => {
    const world = await holding();
    world.dns.table[TXT] = reply;
    assertEquals(await recheck(world), ENFORCED);
    const kept = world.events.find((event) => event.kind === "kept");
    assertEquals([kept?.outcome, kept?.reason], ["kept-without-record", reason]);
    assertEquals(world.fetches, []);
  });
}

Deno.test("replaced: a new id brings the new policy, whatever its mode (RFC 8461 §5.1, §8.3)", async () => {
  for (const mode of ["enforce", "testing", "none"] as const) {
    const world = await holding();
    world.dns.table[`MX ${DOMAIN}`] = [{ preference: 10, exchange: "new.example.com" }];
    await world.clock.advance(5 * MINUTE);
    world.publish(DOMAIN, { id: "2", mode, mx: ["new.example.com"] });
    const reply = await recheck(world);
    const expected = mode === "enforce"
      ? "OK secure match=new.example.com servername=hostname"
      : "NOTFOUND ";
    assertEquals(reply, expected);
    const change = world.events.find((event) => event.kind === "policy");
    assertEquals([change?.previous?.id, change?.held.id], ["1", "2"]);
    assertEquals(world.stored(DOMAIN)?.id, "2");
  }
});

Deno.test("replaced: answers given before turn invalid with the new policy", async () => {
  const world = await holding();
  const before = await world.resolve(DOMAIN);
  world.publish(DOMAIN, { id: "2", mode: "none" });
  await recheck(world);
  assertEquals(before.token.valid, false);
  assertEquals((await world.resolve(DOMAIN)).token.valid, true);
});

Deno.test("replaced: an answer that was waiting for the MX hosts is not kept ready", async () => {
  const world = await holding();
  const { promise, resolve } = Promise.withResolvers<
    readonly { preference: number; exchange: string }[]
  >();
  // After a day without an answer of DNS, the query has to wait for the MX hosts.
  await world.clock.advance(2 * DAY);
  world.dns.table[`MX ${DOMAIN}`] = promise;
  world.publish(DOMAIN, { id: "2", mode: "testing" });
  const asked = world.resolve(DOMAIN);
  assert(asked instanceof Promise);
  await settle();
  assertEquals(world.stored(DOMAIN)?.id, "2");
  resolve([{ preference: 10, exchange: "mx.example.com" }]);
  const { answer, token } = await asked;
  assertEquals([answer.kind, token.valid], ["secure", false]);
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
});

for (
  const [name, host] of [
    ["fails", REFUSED],
    ["gives an invalid policy", "version: STSv1\nmode: enforce\nmax_age: 1\n"],
  ] as const
) {
  Deno.test(`kept-fetch-failed: when the fetch for a new id ${name}, the cached policy stays (RFC 8461 §3.3)`, async () => {
    const world = await holding();
    world.dns.table[TXT] = ["v=STSv1; id=2;"];
    world.hosts[DOMAIN] = host;
    assertEquals(await recheck(world), ENFORCED);
    assertEquals(world.fetches.length, 1);
    assertEquals(world.stored(DOMAIN)?.id, "1");
  });
}

Deno.test("kept-fetch-failed: no retry of an id within five minutes, a changed id at once (RFC 8461 §3.3)", async () => {
  const world = createWorld({ settings: { recheck: MINUTE } });
  world.publish(DOMAIN);
  await world.resolve(DOMAIN);
  world.dns.table[TXT] = ["v=STSv1; id=2;"];
  world.hosts[DOMAIN] = REFUSED;
  world.fetches.length = 0;
  for (let minute = 1; minute <= 5; minute++) {
    await world.clock.advance(MINUTE);
    await world.resolve(DOMAIN);
    await settle();
  }
  assertEquals(world.fetches.length, 1);
  world.dns.table[TXT] = ["v=STSv1; id=3;"];
  await world.clock.advance(MINUTE);
  await world.resolve(DOMAIN);
  await settle();
  assertEquals(world.fetches.length, 2);
});

Deno.test("expired: an expired policy is never used, its id never revives it (RFC 8461 §5.1)", async () => {
  const world = await holding({ maxAge: 600 });
  await world.clock.advance(600_000);
  world.hosts[DOMAIN] = REFUSED;
  assertEquals(await world.outcome(DOMAIN), "fetch-failed");
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
});

Deno.test("fetched: a policy found at first contact is stored and answered", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  assertEquals(world.stored(DOMAIN)?.text, world.hosts[DOMAIN]);
});

Deno.test("fetched: a max_age of 0 serves the current answer only (RFC 8461 §3.2)", async () => {
  const world = createWorld();
  world.publish(DOMAIN, { maxAge: 0 });
  const resolution = await world.resolve(DOMAIN);
  assertEquals([resolution.outcome, resolution.answer.kind], ["fetched", "secure"]);
  assert(resolution.until <= world.clock.now());
  world.hosts[DOMAIN] = REFUSED;
  assertEquals(await world.outcome(DOMAIN), "fetch-failed");
});

Deno.test("fetch-failed: a fetch that fails leaves no policy and is not repeated for five minutes (RFC 8461 §3.3)", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  world.hosts[DOMAIN] = REFUSED;
  assertEquals(await world.outcome(DOMAIN), "fetch-failed");
  await world.clock.advance(5 * MINUTE - 1);
  assertEquals(await world.outcome(DOMAIN), "fetch-failed");
  assertEquals(world.fetches.length, 1);
  world.publish(DOMAIN);
  await world.clock.advance(1);
  assertEquals(await world.outcome(DOMAIN), "fetched");
});

Deno.test("fetch-failed: back-off doubles up to an hour and survives a restart (RFC 8461 §3.3)", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  world.hosts[DOMAIN] = REFUSED;
  const waits: number[] = [];
  let last = world.clock.now();
  for (let minute = 0; minute <= 240; minute++) {
    world.restart();
    const before = world.fetches.length;
    await world.resolve(DOMAIN);
    if (world.fetches.length > before) {
      waits.push((world.clock.now() - last) / MINUTE);
      last = world.clock.now();
    }
    await world.clock.advance(MINUTE);
  }
  assertEquals(waits, [0, 5, 10, 20, 40, 60, 60]);
});

for (const reply of ["nxdomain", "nodata", ["v=spf1 -all"], ["v=STSv1"]] as const) {
  Deno.test(`no-record: ${JSON.stringify(reply)} is no policy, remembered for negative_ttl`, async () => {
    const world = createWorld();
    world.dns.table[TXT] = reply;
    assertEquals(await world.outcome(DOMAIN), "no-record");
    await world.clock.advance(5 * MINUTE - 1);
    const again = world.resolve(DOMAIN);
    assert(!(again instanceof Promise));
    assertEquals([again.outcome, again.answer], ["no-record", { kind: "notfound" }]);
    assertEquals(world.dns.questions.length, 1);
    world.publish(DOMAIN);
    await world.clock.advance(1);
    assertEquals(await world.outcome(DOMAIN), "fetched");
  });
}

Deno.test("dns-failure: a DNS failure follows on_dns_failure and is forgotten after 30 seconds", async () => {
  const world = createWorld();
  world.dns.table[TXT] = "servfail";
  assertEquals(await world.outcome(DOMAIN), "dns-failure");
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
  const deferred = "TEMP cannot learn the MTA-STS policy of example.com: DNS failure";
  assertEquals(await world.reply(DOMAIN, { onDnsFailure: "defer" }), deferred);
  world.publish(DOMAIN);
  await world.clock.advance(29_999);
  assertEquals(await world.outcome(DOMAIN), "dns-failure");
  await world.clock.advance(1);
  assertEquals(await world.outcome(DOMAIN), "fetched");
});

Deno.test("deadline: at the deadline the query is answered, the fetch goes on, the next query profits", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  let arrive = (_: FetchOutcome) => {};
  const text = world.hosts[DOMAIN] as string;
  world.hosts[DOMAIN] = new Promise((resolve) => (arrive = resolve));
  const first = world.resolve(DOMAIN);
  const second = world.reply(DOMAIN, { onDnsFailure: "defer" });
  await world.clock.advance(10_000);
  assertEquals((await first).outcome, "deadline");
  assertEquals(
    await second,
    "TEMP cannot learn the MTA-STS policy of example.com: no answer in time",
  );
  arrive({ kind: "fetched", text, bytes: text.length });
  await settle();
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  assertEquals(world.fetches.length, 1);
});

Deno.test("a thousand queries for one cold domain make one TXT lookup and one fetch", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  const replies = await Promise.all(Array.from({ length: 1000 }, () => world.reply(DOMAIN)));
  assertEquals(new Set(replies), new Set([ENFORCED]));
  assertEquals(world.fetches.length, 1);
  assertEquals(world.dns.questions.filter((question) => question === TXT).length, 1);
});

Deno.test("a restart answers from the store with DNS and HTTPS dead (RFC 8461 §10.2)", async () => {
  const world = await holding();
  for (const question of Object.keys(world.dns.table)) world.dns.table[question] = "unreachable";
  world.hosts[DOMAIN] = REFUSED;
  world.restart();
  const resolution = world.resolve(DOMAIN);
  assert(!(resolution instanceof Promise));
  assertEquals(resolution.answer.kind, "secure");
  await world.clock.advance(23 * HOUR);
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("the regular fetch is made whatever TXT says, before expiry (RFC 8461 §10.2)", async () => {
  for (const reply of [["v=STSv1; id=1;"], "nxdomain", "servfail"] as const) {
    const world = await holding();
    world.dns.table[TXT] = reply;
    await world.clock.advance(DAY);
    await recheck(world);
    assertEquals(world.fetches, [DOMAIN]);
    assertEquals(world.stored(DOMAIN)?.fetchedAt, world.clock.now());
    assertEquals(world.stored(DOMAIN)?.id, "1");
  }
});

Deno.test("mode testing is enforced in a zone with strict_testing only (RFC 8461 §5)", async () => {
  const world = await holding({ mode: "testing" });
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
  assertEquals(await world.reply(DOMAIN, { strictTesting: true }), ENFORCED);
});

Deno.test("a domain without a policy is never looked at for DANE", async () => {
  const world = createWorld();
  world.dns.table[`MX ${DOMAIN}`] = "servfail";
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
  assertEquals(world.dns.questions, [TXT]);
});

Deno.test("check() with force fetches at once, back-off or not", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  world.hosts[DOMAIN] = REFUSED;
  await world.resolve(DOMAIN);
  world.publish(DOMAIN);
  await world.resolver.check(DOMAIN, { force: true });
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("purge() forgets a domain, and answers given before turn invalid", async () => {
  const world = await holding();
  const before = await world.resolve(DOMAIN);
  world.resolver.purge(DOMAIN);
  assertEquals(before.token.valid, false);
  assertEquals(world.stored(DOMAIN), undefined);
  world.dns.table[TXT] = "nxdomain";
  assertEquals(await world.reply(DOMAIN), "NOTFOUND ");
});

Deno.test("the resolver tells each step of a first contact", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  await world.resolve(DOMAIN);
  assertEquals(kinds(world.events), ["txt", "fetch", "policy", "mx", "answer"]);
});

Deno.test("MX hosts of a new domain are looked up beside the fetch, and only if there is a record", async () => {
  const { promise, resolve } = Promise.withResolvers<FetchOutcome>();
  const world = createWorld();
  world.publish(DOMAIN);
  const text = String(world.hosts[DOMAIN]);
  world.hosts[DOMAIN] = promise;
  await world.outcome("absent.test");
  assertEquals(kinds(world.events), ["txt", "answer"]);
  const reply = world.reply(DOMAIN);
  await world.clock.advance(0);
  assertEquals(world.fetches, [DOMAIN]);
  assertEquals(kinds(world.events), ["txt", "answer", "txt", "mx"]);
  resolve({ kind: "fetched", text, bytes: text.length });
  assertEquals(await reply, ENFORCED);
  assertEquals(kinds(world.events).filter((kind) => kind === "mx"), ["mx"]);
  // Nobody waits for a check that no query asked for.
  world.publish("other.test");
  await world.resolver.check("other.test");
  assertEquals(kinds(world.events).filter((kind) => kind === "mx"), ["mx"]);
});

Deno.test("a fetch is prepared for a record that is news, and for no other", async () => {
  const world = createWorld();
  world.publish(DOMAIN);
  await world.outcome("absent.test");
  assertEquals(world.prepared, []);
  await world.outcome(DOMAIN);
  assertEquals(world.prepared, [DOMAIN]);
  await recheck(world);
  assertEquals(world.prepared, [DOMAIN]);
  world.publish(DOMAIN, { id: "2" });
  world.hosts[DOMAIN] = REFUSED;
  await recheck(world);
  assertEquals(world.prepared, [DOMAIN, DOMAIN]);
  // The fetch has failed, and is held off.
  world.dns.questions.length = 0;
  await recheck(world);
  assertEquals(world.dns.questions.includes(TXT), true);
  assertEquals(world.prepared, [DOMAIN, DOMAIN]);
});
