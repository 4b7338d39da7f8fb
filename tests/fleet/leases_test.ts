import { assert, assertEquals } from "@std/assert";
import { mergePolicy } from "../../src/fleet/merge.ts";
import type { OwnPolicy } from "../../src/fleet/types.ts";
import { createFleet, type Host, macOf, ownPolicy, policyText, request, timed } from "./hosts.ts";

/** All hosts fetch all domains at once. */
function fetchAll(hosts: readonly Host[], domains: readonly string[], ms = 100) {
  return Promise.all(hosts.flatMap((host) => domains.map((domain) => host.fetch(domain, { ms }))));
}

function newest(policies: readonly OwnPolicy[]): OwnPolicy {
  return policies.reduce((one, other) => one.fetchedAt >= other.fetchedAt ? one : other);
}

const DOMAINS = Array.from({ length: 30 }, (_, index) => `d${index}.example`);

Deno.test("cold domains at all hosts at once take one fetch each in the fleet", async () => {
  const fleet = await createFleet(8);
  const { value, ms } = await timed(fleet, fetchAll(fleet.hosts, DOMAINS), { within: 150 });
  assertEquals(ms, 100);
  assertEquals(fleet.fetches, DOMAINS.length);
  assert(value.every((policy) => policy?.id === "1"));
  assertEquals(fleet.server.leases.size, 0);
  const counts = fleet.hosts.flatMap(({ metrics }) =>
    metrics.samples("mta_sts_shared_claims_total")
  );
  const sum = (result: string) =>
    counts.reduce((all, { labels, value }) => all + (labels.result === result ? value : 0), 0);
  assertEquals([sum("granted"), sum("waited"), sum("alone")], [30, 210, 0]);
  await fleet.close();
  assertEquals(fleet.clock.pending, 0);
});

Deno.test("a fetch of four seconds is waited for by all others", async () => {
  const fleet = await createFleet(4);
  const all = fetchAll(fleet.hosts, DOMAINS, 4000);
  const { value, ms } = await timed(fleet, all, { within: 4200 });
  assert(value.every((policy) => policy !== undefined) && ms <= 4100);
  assertEquals(fleet.fetches, DOMAINS.length);
  await fleet.close();
});

Deno.test("deaf hosts fetch once all the same, half a second later", async () => {
  const fleet = await createFleet(4);
  fleet.server.faults.isDeaf = true;
  const { ms } = await timed(fleet, fetchAll(fleet.hosts, DOMAINS), { within: 700 });
  assertEquals([fleet.fetches, ms], [DOMAINS.length, 500]);
  await fleet.close();
});

Deno.test("when the holder dies, one of the others fetches", async () => {
  const fleet = await createFleet(4);
  const [holder, ...others] = fleet.hosts;
  void holder!.fetch("a.example", { ms: 1_000_000 });
  await fleet.clock.advance(1500);
  holder!.engine.faults.state = "hung";
  const { value, ms } = await timed(fleet, fetchAll(others, ["a.example"]), { within: 3600 });
  assert(value.every((policy) => policy !== undefined) && ms <= 3600, `${ms}`);
  assertEquals(others.reduce((sum, { fetches }) => sum + fetches, 0), 1);
  await fleet.close();
});

Deno.test("a holder that stops and comes back does no harm with its late result", async () => {
  const fleet = await createFleet(3);
  const [holder, ...others] = fleet.hosts;
  const { server, clock } = fleet;
  const claim = await holder!.fleet.claim("a.example", request());
  assert(claim.kind === "fetch");
  const fetched = ownPolicy("a.example", { text: policyText("old"), fetchedAt: clock.now() });
  await clock.advance(1000);
  holder!.engine.faults.state = "hung";
  const again = Promise.all(
    others.map((host) => host.fetch("a.example", { text: policyText("new") })),
  );
  await timed(fleet, again, { within: 3600 });
  holder!.engine.faults.state = "up";
  await clock.advance(10_000);
  // The others hear the older policy, and the rule leaves it; the engine may show it for a while.
  claim.publish(fetched);
  await clock.advance(1000);
  for (const { news, held } of others) {
    const late = news.at(-1);
    assert(late?.kind === "policy" && late.policy.text === policyText("old"));
    const known = [
      ...held.values(),
      ...news.flatMap((item) => item.kind === "policy" ? item.policy : []),
    ];
    const facts = { held: { ...newest(known), host: "" }, now: clock.now(), purgedAt: undefined };
    assertEquals(mergePolicy(late.policy, facts), "keep");
    assertEquals(facts.held.text, policyText("new"));
  }
  assertEquals(server.leases.size, 0);
  await fleet.close();
  assertEquals(clock.pending, 0);
});

Deno.test("a lease that never ends is broken after three seconds, and takes one fetch", async () => {
  const fleet = await createFleet(3);
  fleet.server.leases.set("a.example", { token: "x", until: Infinity });
  const { value, ms } = await timed(fleet, fetchAll(fleet.hosts, ["a.example"]), { within: 4000 });
  assert(value.every((policy) => policy !== undefined) && ms === 3100, `${ms}`);
  assertEquals([fleet.fetches, fleet.server.leases.size], [1, 0]);
  await fleet.close();
});

Deno.test("a lease that cannot be broken holds up a claim for three seconds", async () => {
  const fleet = await createFleet(2);
  fleet.server.leases.set("a.example", { token: "x", until: Infinity });
  for (const { engine } of fleet.hosts) engine.release = () => Promise.resolve();
  const { value, ms } = await timed(fleet, fetchAll(fleet.hosts, ["a.example"]), { within: 4000 });
  assert(value.every((policy) => policy !== undefined) && ms === 3100, `${ms}`);
  assertEquals(fleet.fetches, 2);
  await fleet.close();
});

Deno.test("a lease that is renewed for ever holds up a claim for six seconds", async () => {
  const fleet = await createFleet(1);
  const { clock, server, hosts: [host] } = fleet;
  let count = 0;
  const renew = () => {
    server.leases.set("a.example", { token: `x.${count++}`, until: Infinity });
    if (count < 20) clock.setTimer(renew, 700);
  };
  renew();
  const { ms } = await timed(fleet, host!.fetch("a.example"), { within: 7000 });
  assertEquals(ms, 6100);
  await clock.advance(20_000);
  await fleet.close();
});

Deno.test("waiting claims have a bound, and what is beyond it fetches at once", async () => {
  const fleet = await createFleet(1);
  const { server, hosts: [host] } = fleet;
  const domains = Array.from({ length: 200 }, (_, index) => `x${index}.example`);
  for (const domain of domains) server.leases.set(domain, { token: "x", until: Infinity });
  const all = fetchAll([host!], domains);
  await fleet.clock.advance(150);
  assertEquals(host!.fleet.status().waiting, 128);
  assertEquals(host!.fetches, 72);
  await fleet.clock.advance(4000);
  await all;
  assertEquals([host!.fetches, host!.fleet.status().waiting], [200, 0]);
  await fleet.close();
});

Deno.test("a fetch that fails is not repeated by the others", async () => {
  const fleet = await createFleet(4);
  const all = Promise.all(fleet.hosts.map((host) => host.fetch("a.example", { fails: "status" })));
  await timed(fleet, all, { within: 200 });
  assertEquals(fleet.fetches, 1);
  const known = await fleet.hosts[3]!.fleet.ask("a.example");
  assertEquals(known?.failure?.reason, "status");
  // It is for that id alone, and for its time.
  const other = await fleet.hosts[3]!.fleet.claim("a.example", request({ id: "2" }));
  assertEquals(other.kind, "fetch");
  await fleet.clock.advance(300_000);
  await timed(fleet, fleet.hosts[2]!.fetch("a.example"), { within: 200 });
  assertEquals(fleet.fetches, 2);
  const after = await fleet.hosts[1]!.fleet.ask("a.example");
  assertEquals([after?.policy?.id, after?.failure], ["1", undefined]);
  await fleet.close();
});

for (const secret of [1, undefined]) {
  const kind = secret === undefined ? "without a secret" : "with a secret";
  Deno.test(`a failure that may be the host's own has all others look at once, ${kind}`, async () => {
    const mac = secret === undefined ? undefined : await macOf(secret);
    const fleet = await createFleet(4, { mac });
    const [first, ...others] = fleet.hosts;
    const failing = first!.fetch("a.example", { fails: "connect", ms: 2000 });
    await fleet.clock.advance(10);
    const waiting = Promise.all(others.map((host) => host.fetch("a.example")));
    const { value, ms } = await timed(fleet, waiting, { within: 2200 });
    assertEquals([await failing, value.length, ms], [undefined, 3, 2090]);
    assertEquals(fleet.fetches, 4);
    // Nobody holds it off.
    const known = await first!.fleet.ask("a.example");
    assertEquals([known?.policy?.id, known?.failure], ["1", undefined]);
    assertEquals(first!.news.map((item) => item.kind), Array(3).fill("policy"));
    // Those who want another id go on waiting.
    void first!.fetch("b.example", { id: "2", fails: "connect" });
    await fleet.clock.advance(10);
    const other = others[0]!.fetch("b.example", { id: "3" });
    assertEquals((await timed(fleet, other, { within: 700 })).ms, 600);
    await fleet.close();
    assertEquals(fleet.clock.pending, 0);
  });
}

Deno.test("a lease that is given back is taken by the next", async () => {
  const fleet = await createFleet(2);
  const [one, other] = fleet.hosts;
  const claim = await one!.fleet.claim("a.example", request());
  assert(claim.kind === "fetch");
  const waits = timed(fleet, other!.fetch("a.example"), { within: 800 });
  claim.release();
  assert((await waits).ms <= 600);
  assertEquals(other!.fetches, 1);
  // The end of a claim counts once.
  claim.publish(ownPolicy("a.example", { id: "9", fetchedAt: fleet.clock.now() }));
  await fleet.clock.advance(100);
  assertEquals((await one!.fleet.ask("a.example"))?.policy?.id, "1");
  await fleet.close();
});

Deno.test("what is held already is not learned: the own fetch, an older one, another id", async () => {
  const fleet = await createFleet(2);
  const [one, other] = fleet.hosts;
  const held = await timed(fleet, one!.fetch("a.example"), { within: 200 });
  const { fetchedAt, text } = held.value!;
  const claimOf = async (given: Parameters<typeof request>[0]) => {
    const claim = await other!.fleet.claim("a.example", request(given));
    if (claim.kind === "fetch") claim.release();
    await fleet.clock.advance(10);
    return claim.kind;
  };
  assertEquals(await claimOf({}), "learned");
  assertEquals(await claimOf({ newerThan: fetchedAt, heldText: text }), "fetch");
  // Clocks that drift apart show the held fetch itself a little later.
  assertEquals(await claimOf({ newerThan: fetchedAt - 59_000, heldText: text }), "fetch");
  assertEquals(await claimOf({ newerThan: fetchedAt - 61_000, heldText: text }), "learned");
  assertEquals(await claimOf({ newerThan: fetchedAt - 1, heldText: policyText("x") }), "learned");
  assertEquals(await claimOf({ newerThan: fetchedAt + 1, heldText: policyText("x") }), "fetch");
  assertEquals(await claimOf({ id: "2" }), "fetch");
  assertEquals(await claimOf({ isForced: true }), "fetch");
  await fleet.close();
});

Deno.test("a lease whose end was forgotten is not renewed for ever", async () => {
  const fleet = await createFleet(1);
  const [host] = fleet.hosts;
  assertEquals((await host!.fleet.claim("a.example", request())).kind, "fetch");
  await fleet.clock.advance(50_000);
  assertEquals(host!.fleet.status().leases, 1);
  await fleet.clock.advance(20_000);
  assertEquals(host!.fleet.status().leases, 0);
  assertEquals(fleet.server.lease("a.example"), undefined);
  await fleet.close();
});

Deno.test("a lease that ends while it is renewed is released all the same", async () => {
  const fleet = await createFleet(1);
  const [host] = fleet.hosts;
  const claim = await host!.fleet.claim("a.example", request());
  assert(claim.kind === "fetch");
  host!.engine.faults.delay = 50;
  await fleet.clock.advance(1010);
  claim.release();
  await fleet.clock.advance(200);
  assertEquals(fleet.server.lease("a.example"), undefined);
  await fleet.close();
});

Deno.test("a lease that is granted while the exchange closes is given back", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  host!.engine.faults.delay = 50;
  const claim = host!.fleet.claim("a.example", request());
  await clock.advance(10);
  const closed = host!.fleet.close();
  await clock.advance(200);
  await closed;
  assertEquals([(await claim).kind, server.leases.size, clock.pending], ["fetch", 0, 0]);
});

Deno.test("close() gives leases back, and those who wait fetch by themselves", async () => {
  const fleet = await createFleet(2);
  const [one, other] = fleet.hosts;
  assertEquals((await one!.fleet.claim("a.example", request())).kind, "fetch");
  const waiting = other!.fleet.claim("a.example", request());
  await fleet.clock.advance(100);
  assertEquals(other!.fleet.status().waiting, 1);
  await timed(fleet, other!.fleet.close(), { within: 10 });
  assertEquals((await waiting).kind, "fetch");
  await one!.fleet.close();
  assertEquals(fleet.server.lease("a.example"), undefined);
  await fleet.close();
  assertEquals(fleet.clock.pending, 0);
});

Deno.test("a host that is cut off holds nobody up after three fetches, and shares again after one that works", async () => {
  const fleet = await createFleet(2);
  const { server, clock, hosts: [cutOff, other] } = fleet;
  const leased: boolean[] = [];
  for (const domain of ["a.example", "b.example", "c.example", "d.example"]) {
    void cutOff!.fetch(domain, { ms: 8000, fails: "connect" });
    await clock.advance(10);
    leased.push(server.lease(domain) !== undefined);
    if (domain === "d.example") {
      const { value, ms } = await timed(fleet, other!.fetch(domain), { within: 500 });
      assertEquals([value?.domain, ms], [domain, 100]);
    }
    await clock.advance(9000);
  }
  assertEquals(leased, [true, true, true, false]);
  // What the others have is taken as ever.
  assertEquals((await timed(fleet, cutOff!.fetch("d.example"), { within: 10 })).value?.id, "1");
  await timed(fleet, cutOff!.fetch("e.example"), { within: 200 });
  void cutOff!.fetch("f.example");
  await clock.advance(10);
  assertEquals(server.lease("f.example") !== undefined, true);
  await clock.advance(200);
  for (const domain of ["g.example", "h.example", "i.example"]) {
    await timed(fleet, cutOff!.fetch(domain, { fails: "connect" }), { within: 200 });
  }
  await clock.advance(60_000);
  void cutOff!.fetch("j.example");
  await clock.advance(10);
  assertEquals(server.lease("j.example") !== undefined, true);
  await clock.advance(200);
  await fleet.close();
});
