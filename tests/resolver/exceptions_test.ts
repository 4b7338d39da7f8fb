import { assertEquals, assertStringIncludes } from "@std/assert";
import { createExceptions } from "../../src/resolver/exceptions.ts";
import type { DomainException } from "../../src/resolver/exception.ts";
import type { ProvenClock } from "../../src/base/clock.ts";
import type { ResolverEvent } from "../../src/resolver/types.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const START = Date.UTC(2026, 0, 1);

function exception(domain: string, given: Partial<DomainException> = {}): DomainException {
  return {
    domain,
    policy: undefined,
    mx: [],
    dane: undefined,
    until: START + 30 * DAY,
    reason: "ticket 4711",
    ...given,
  };
}

/** A world with exceptions, in which example.com publishes a policy that is held already. */
async function worldWith(...domains: DomainException[]): Promise<World> {
  const before = createWorld();
  before.publish("example.com");
  await before.resolver.check("example.com");
  const world = createWorld({ store: before.store, clock: before.clock, settings: { domains } });
  Object.assign(world.dns.table, before.dns.table);
  Object.assign(world.hosts, before.hosts);
  return world;
}

/** Makes DANE usable at the MX host of example.com. */
function addDane(world: World): void {
  const { table } = world.dns;
  const mx = [{ preference: 10, exchange: "mx.example.com" }];
  table["MX example.com"] = { records: mx, secure: true };
  table["A mx.example.com"] = { records: ["192.0.2.1"], secure: true };
  table["TLSA _25._tcp.mx.example.com"] = {
    records: [{ usage: 3, selector: 1, matchingType: 1, data: new Uint8Array(32) }],
    secure: true,
  };
}

function answersOf(world: World) {
  return world.events.filter((event): event is Extract<ResolverEvent, { kind: "answer" }> =>
    event.kind === "answer"
  );
}

Deno.test("createExceptions() finds the most specific exception in force", () => {
  const clock = new ManualClock(START);
  const names = ["example.com", "*.example.com", "*.a.example.com", "*.com"];
  const list = names.map((name) => exception(name));
  const find = (domain: string, given = list) =>
    createExceptions(given, clock).find(domain)?.domain;
  assertEquals(find("example.com"), "example.com");
  assertEquals(find("b.example.com"), "*.example.com");
  assertEquals(find("c.b.example.com"), "*.example.com");
  assertEquals(find("a.example.com"), "*.example.com");
  assertEquals(find("b.a.example.com"), "*.a.example.com");
  assertEquals(find("other.com"), "*.com");
  assertEquals(find("example.org"), undefined);
  assertEquals(find("com"), undefined);
  assertEquals(find("example.com", []), undefined);
  const ended = [exception("a.example.com", { until: START }), exception("*.example.com")];
  assertEquals(find("a.example.com", ended), "*.example.com");
  assertEquals(find("example.com", [exception("*.example.com")]), undefined);
});

Deno.test("policy: ignore answers without the held policy, and leaves it in the store", async () => {
  const world = await worldWith(exception("example.com", { policy: "ignore" }));
  const stored = world.stored("example.com");
  const resolution = await world.resolve("example.com");
  assertEquals(resolution.answer, { kind: "notfound" });
  assertEquals(resolution.outcome, "exception-ignore");
  assertEquals(resolution.exception?.reason, "ticket 4711");
  assertEquals(resolution.until, 0, "no ready reply may outlive the exception");
  assertEquals(world.stored("example.com"), stored);
});

Deno.test("policy: ignore asks nobody about a domain of which nothing is held", async () => {
  const world = createWorld({
    settings: { domains: [exception("*.example", { policy: "ignore" })] },
  });
  assertEquals(await world.reply("new.example"), "NOTFOUND ");
  assertEquals(await world.reply("new.example", { onDnsFailure: "defer" }), "NOTFOUND ");
  await world.clock.advance(MINUTE);
  assertEquals([world.events.filter(({ kind }) => kind === "txt").length, world.fetches.length], [
    0,
    0,
  ]);
});

Deno.test("a policy is checked and refreshed under policy: ignore, and in force when that ends", async () => {
  const until = START + 200 * DAY;
  const world = await worldWith(exception("example.com", { policy: "ignore", until }));
  for (let day = 0; day < 199; day++) {
    await world.clock.advance(DAY);
    // The refresher takes what was used lately.
    assertEquals(await world.reply("example.com"), "NOTFOUND ");
    await world.resolver.check("example.com");
  }
  const used = world.stored("example.com")!.lastUsedAt;
  assertEquals(world.clock.now() - used < DAY, true);
  await world.clock.advance(6 * MINUTE);
  world.publish("example.com", { id: "2", mx: ["mx2.example.com"] });
  world.dns.table["MX example.com"] = [{ preference: 1, exchange: "mx2.example.com" }];
  assertEquals(await world.reply("example.com"), "NOTFOUND ");
  await world.clock.advance(MINUTE);
  assertEquals(world.stored("example.com")!.id, "2", "the query has started a check");
  await world.clock.advance(until - world.clock.now() - 1);
  assertEquals(await world.reply("example.com"), "NOTFOUND ");
  // From its last moment on, whatever happens outside.
  world.dns.table["TXT _mta-sts.example.com"] = "servfail";
  await world.clock.advance(1);
  assertStringIncludes(await world.reply("example.com"), "OK secure match=mx2.example.com");
});

Deno.test("policy: enforce answers by the configured patterns, whatever is published", async () => {
  const own = exception("example.com", {
    policy: "enforce",
    mx: ["mx.example.com", "*.mail.example"],
  });
  const world = await worldWith(own);
  world.dns.table["MX example.com"] = ["mx", "a.mail", "x.a.mail", "b.mail"].map((name, index) => ({
    preference: index,
    exchange: name === "mx" ? "mx.example.com" : `${name}.example`,
  }));
  const secure = "OK secure match=mx.example.com:a.mail.example:b.mail.example servername=hostname";
  for (const mode of ["enforce", "testing", "none"] as const) {
    world.publish("example.com", { id: mode, mode, mx: ["elsewhere.example"] });
    await world.resolver.check("example.com", { force: true });
    assertEquals(await world.reply("example.com"), secure);
  }
  world.dns.table["TXT _mta-sts.example.com"] = "servfail";
  world.restart();
  world.store.remove("example.com");
  const resolution = await world.resolve("example.com");
  assertEquals([resolution.outcome, resolution.until], ["exception-enforce", 0]);
  assertEquals(await world.reply("example.com"), secure);
  assertEquals(
    await world.reply("example.com", { tlsrpt: true }),
    `${secure} policy_type=sts policy_domain=example.com mx_host_pattern=mx.example.com ` +
      "mx_host_pattern=*.mail.example",
  );
  assertEquals(world.stored("example.com"), undefined, "it is not stored");
});

Deno.test("policy: enforce defers if no MX host matches, and the event has the names", async () => {
  const own = exception("example.com", { policy: "enforce", mx: ["other.example"] });
  const world = await worldWith(own);
  assertStringIncludes(await world.reply("example.com"), "TEMP no MX host of example.com matches");
  assertEquals(answersOf(world).at(-1)?.mxHosts, ["mx.example.com"]);
});

Deno.test("DANE takes precedence over policy: enforce, unless dane: off (RFC 8461 §2)", async () => {
  const own = { policy: "enforce", mx: ["mx.example.com"] } as const;
  const world = await worldWith(exception("example.com", own));
  addDane(world);
  assertEquals(await world.reply("example.com"), "OK dane-only");
  const without = await worldWith(exception("example.com", { ...own, dane: "off" }));
  addDane(without);
  assertStringIncludes(await without.reply("example.com"), "OK secure match=mx.example.com");
  assertStringIncludes(await without.reply("example.com", { dane: "require" }), "OK secure");
});

Deno.test("dane: off alone leaves the published policy in use", async () => {
  const world = await worldWith(exception("*.com", { dane: "off", until: START + HOUR }));
  addDane(world);
  const resolution = await world.resolve("example.com");
  assertEquals([resolution.answer.kind, resolution.outcome], ["secure", "rechecking"]);
  assertEquals([resolution.exception?.domain, resolution.until], ["*.com", 0]);
  // It had no say where there is no policy, and then the reply may be kept ready.
  const none = await world.resolve("none.com");
  assertEquals([none.answer.kind, none.exception], ["notfound", undefined]);
  assertEquals(none.until > world.clock.now(), true);
  await world.clock.advance(HOUR);
  assertEquals(await world.reply("example.com"), "OK dane-only");
});

Deno.test("an exception does not end by a jump of the clock that is not proven", async () => {
  const clock = new ManualClock(START);
  let behind = 0;
  const time: ProvenClock = {
    now: () => clock.now(),
    proven: () => clock.now() - behind,
    setTimer: (callback, delay) => clock.setTimer(callback, delay),
  };
  const domains = [exception("example.com", { policy: "ignore", until: START + HOUR })];
  const world = createWorld({ clock, time, settings: { domains } });
  world.publish("example.com");
  await clock.advance(DAY);
  behind = DAY;
  const doubted = await world.resolve("example.com");
  assertEquals([doubted.outcome, doubted.until], ["exception-ignore", 0]);
  behind = 0;
  assertEquals(await world.outcome("example.com"), "fetched");
});

Deno.test("report() has the exception that counts for a domain", async () => {
  const world = await worldWith(exception("*.com", { dane: "off", until: START + HOUR }));
  assertEquals(world.resolver.report("example.com").exception?.domain, "*.com");
  await world.clock.advance(HOUR);
  assertEquals(world.resolver.report("example.com").exception, undefined);
});
