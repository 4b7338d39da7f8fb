import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../../src/fleet/types.ts";
import { createFleet, macOf, ownPolicy, request, TestFleet, timed } from "./hosts.ts";

/** The count of questions by what they came to. */
function lookups(fleet: TestFleet, index = 0): Record<string, number> {
  const samples = fleet.hosts[index]!.metrics.samples("mta_sts_shared_lookups_total");
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.result, value]));
}

Deno.test("calls wait for the first connection, and one that takes long fails nothing", async () => {
  const fleet = new TestFleet();
  fleet.server.connectDelay = 150;
  const [host] = [fleet.add({ mac: await macOf(1) })];
  assertEquals([host.fleet.status().state, host.fleet.isReachable], ["connecting", false]);
  const { value, ms } = await timed(fleet, host.fleet.ask("a.example"), { within: 300 });
  assertEquals([value, ms], [{ policy: undefined, failure: undefined }, 150]);
  assertEquals([host.fleet.status().state, host.fleet.isReachable], ["up", true]);
  await fleet.close();

  const slow = new TestFleet();
  slow.server.connectDelay = 800;
  const late = slow.add({ mac: await macOf(1) });
  const answer = await timed(slow, late.fleet.ask("a.example"), { within: 300 });
  assertEquals([answer.value, answer.ms], [undefined, 200]);
  assertEquals(late.fleet.status().state, "connecting");
  await slow.clock.advance(600);
  assertEquals(late.fleet.status().state, "up");
  assertEquals(late.events, ["shared cache was empty: sending it what is held here"]);
  await slow.close();
  assertEquals(slow.clock.pending, 0);
});

for (const state of ["down", "hung"] as const) {
  Deno.test(`engine ${state}: calls fail within the deadline, then cost nothing; one line each way`, async () => {
    const fleet = await createFleet(1);
    const { server, clock, hosts: [host] } = fleet;
    host!.events.length = 0;
    await clock.advance(10_000);
    server.set(state);
    const first = await timed(fleet, host!.fleet.ask("a.example"), { within: 200 });
    assertEquals([first.value, first.ms], [undefined, state === "down" ? 0 : 200]);
    const calls = server.calls.length;
    for (let round = 0; round < 20; round++) {
      assertEquals(await host!.fleet.ask("a.example"), undefined);
      const claim = await host!.fleet.claim("a.example", request());
      assert(claim.kind === "fetch");
      claim.publish(ownPolicy("a.example", { fetchedAt: clock.now() }));
    }
    assertEquals(server.calls.length, calls);
    const { state: shown, outbox, fault } = host!.fleet.status();
    assertEquals([shown, outbox.entries, outbox.dropped], ["down", 1, 0]);
    assert(fault !== undefined && /^[ -~]+$/.test(fault));
    // Probes come after 0.25, 0.5, 1, 1.5, 1.5 … seconds.
    await clock.advance(60_000);
    const probes = server.calls.slice(calls).filter((call) => call === "time").length;
    assert(probes >= 35 && probes <= 41, `${probes}`);
    server.set("up");
    await clock.advance(1700);
    assertEquals(host!.fleet.status().state, "up");
    assertEquals(host!.events, ["shared cache unreachable", "shared cache reachable again"]);
    assertEquals(host!.news.filter(({ kind }) => kind === "back").length > 0, true);
    assertEquals((await host!.fleet.ask("a.example"))?.policy?.id, "1");
    assertEquals(host!.fleet.status().outbox.entries, 0);
    await fleet.close();
    assertEquals(clock.pending, 0);
  });
}

Deno.test("a connection on which nothing is answered for two seconds is made anew", async () => {
  const fleet = await createFleet(1);
  const { clock, hosts: [host] } = fleet;
  host!.engine.faults.state = "hung";
  void host!.fleet.ask("a.example");
  await clock.advance(1900);
  assertEquals(host!.engine.reconnects, 0);
  await clock.advance(200);
  assertEquals(host!.engine.reconnects, 1);
  host!.engine.faults.state = "up";
  await clock.advance(5000);
  assertEquals([host!.fleet.status().state, host!.engine.pending], ["up", 0]);
  await fleet.close();
});

Deno.test("an engine slower than the deadline is down, and one that is a little slow is up", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  server.faults.delay = 150;
  const slow = await timed(fleet, host!.fleet.ask("a.example"), { within: 300 });
  assertEquals([slow.value?.policy, slow.ms], [undefined, 150]);
  server.faults.delay = 300;
  assertEquals(
    (await timed(fleet, host!.fleet.ask("a.example"), { within: 300 })).value,
    undefined,
  );
  assertEquals(lookups(fleet), { hit: 0, miss: 1, late: 1, skipped: 0 });
  await clock.advance(30_000);
  assertEquals([host!.fleet.status().state, host!.engine.reconnects], ["down", 0]);
  server.faults.delay = 0;
  await clock.advance(5000);
  assertEquals(host!.fleet.status().state, "up");
  await fleet.close();
  assertEquals(clock.pending, 0);
});

Deno.test("a claim whose grant comes late is given back", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  server.faults.delay = 300;
  const { value, ms } = await timed(fleet, host!.fleet.claim("a.example", request()), {
    within: 400,
  });
  assertEquals([value.kind, ms], ["fetch", 200]);
  // The engine counts as down: the lease ends by itself.
  await clock.advance(2500);
  assertEquals(server.lease("a.example"), undefined);
  await fleet.close();
});

Deno.test("an engine that flaps is probed no sooner each time", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  await clock.advance(20_000);
  host!.events.length = 0;
  for (let left = 200; left > 0; left--) {
    server.faults.state = left % 2 === 0 ? "down" : "up";
    void host!.fleet.ask("a.example");
    await clock.advance(300);
  }
  assert(host!.events.length < 40, `${host!.events.length}`);
  server.set("up");
  await clock.advance(10_000);
  assertEquals(host!.fleet.status().state, "up");
  await fleet.close();
});

Deno.test("an engine that takes no writes is read, and gets them when it does again", async () => {
  const fleet = await createFleet(2);
  const { server, clock, hosts: [one, other] } = fleet;
  await timed(fleet, one!.fetch("a.example"), { within: 200 });
  server.faults.isReadOnly = true;
  // What is there is still learned, and a claim does not wait.
  const learned = await timed(fleet, other!.fetch("a.example"), { within: 10 });
  assertEquals([learned.value?.id, other!.fetches], ["1", 0]);
  await timed(fleet, other!.fetch("b.example"), { within: 200 });
  const { state, fault, outbox } = other!.fleet.status();
  assertEquals([state, outbox.entries, other!.fleet.isReachable], ["refusing", 1, true]);
  assert(fault?.includes("READONLY"));
  assertEquals(other!.engine.reconnects, 1);
  await clock.advance(60_000);
  server.faults.isReadOnly = false;
  await clock.advance(10_000);
  assertEquals([other!.fleet.status().state, other!.fleet.status().outbox.entries], ["up", 0]);
  assertEquals((await one!.fleet.ask("b.example"))?.policy?.id, "1");
  const [refuses, takes] = ["shared cache refuses writes", "shared cache accepts writes again"];
  assertEquals(other!.events.filter((event) => event === refuses || event === takes), [
    refuses,
    takes,
  ]);
  await fleet.close();
});

Deno.test("an engine that takes some writes and refuses others is logged once", async () => {
  const fleet = await createFleet(2);
  const { clock, hosts: [host, other] } = fleet;
  // As a user of Redis who may SET, and not PUBLISH.
  const publish = host!.engine.publish.bind(host!.engine);
  host!.engine.publish = () =>
    Promise.reject(new EngineError("refused", "NOPERM No permissions to access a channel"));
  host!.events.length = 0;
  for (const domain of ["a.example", "b.example", "c.example"]) {
    await timed(fleet, host!.fetch(domain), { within: 200 });
    // The lease has ended all the same: nobody waits for what is not told.
    const { ms } = await timed(fleet, other!.fleet.claim(domain, request()), { within: 600 });
    assert(ms <= 500, `${ms}`);
  }
  await clock.advance(30_000);
  const [refuses, takes] = ["shared cache refuses writes", "shared cache accepts writes again"];
  const seen = () => host!.events.filter((event) => event === refuses || event === takes);
  assertEquals([seen(), host!.fleet.status().state], [[refuses], "refusing"]);
  host!.engine.publish = publish;
  await clock.advance(10_000);
  assertEquals([seen(), host!.fleet.status().state], [[refuses, takes], "up"]);
  await fleet.close();
});

Deno.test("what the engine cannot store is not kept, and is warned of once", async () => {
  const fleet = await createFleet(1);
  const [host] = fleet.hosts;
  const wrong = () => Promise.reject(new EngineError("wrong", "no such table"));
  host!.engine.publish = wrong;
  for (const domain of ["a.example", "b.example"]) {
    await timed(fleet, host!.fetch(domain), { within: 200 });
  }
  const { state, outbox } = host!.fleet.status();
  assertEquals([state, outbox.entries], ["up", 0]);
  const line = "shared cache's engine cannot do a call";
  assertEquals(host!.events.filter((event) => event === line).length, 1);
  await fleet.close();
});

Deno.test("a host that does not hear itself subscribes anew, and does without news if that is no help", async () => {
  const fleet = await createFleet(2);
  const { clock, hosts: [one, other] } = fleet;
  await clock.advance(20_000);
  assertEquals([one!.fleet.status().hearing, one!.fleet.status().hosts.length], ["open", 1]);
  one!.engine.faults.isDeaf = true;
  await clock.advance(14_000);
  assertEquals(one!.fleet.status().hearing, "open");
  await clock.advance(10_000);
  assertEquals(one!.fleet.status().hearing, "deaf");
  one!.news.length = 0;
  await clock.advance(30_000);
  // It goes on subscribing, and what is absent is not asked for again each time.
  assertEquals(one!.news, []);
  assertEquals([one!.fleet.status().hosts, other!.fleet.status().hosts.length], [[], 1]);
  assertEquals(one!.fleet.status().state, "up");
  one!.engine.faults.isDeaf = false;
  one!.news.length = 0;
  await clock.advance(14_000);
  assertEquals(one!.fleet.status().hearing, "open");
  assertEquals(one!.news.at(-1)?.kind, "back");
  const lines = ["shared cache sends no news", "shared cache sends news again"];
  assertEquals(one!.events.filter((event) => lines.includes(event)), lines);
  await fleet.close();
});

Deno.test("a host that may not send heartbeats does not count as deaf", async () => {
  const fleet = await createFleet(2);
  const { clock, hosts: [one, other] } = fleet;
  one!.engine.announce = () => Promise.reject(new EngineError("refused", "NOPERM"));
  let listens = 0;
  const { listen } = one!.engine;
  one!.engine.listen = (listener) => {
    listens++;
    return listen.call(one!.engine, listener);
  };
  await clock.advance(60_000);
  await timed(fleet, other!.fetch("a.example"), { within: 200 });
  assertEquals([one!.fleet.status().hearing, listens], ["open", 0]);
  assertEquals(one!.news.at(-1)?.kind, "policy");
  await fleet.close();
});

Deno.test("hosts hear of each other, with version and clock, until they are gone", async () => {
  const fleet = new TestFleet();
  const mac = await macOf(1);
  const [one, other] = [fleet.add({ mac }), fleet.add({ mac, ahead: 5000 })];
  await fleet.clock.advance(11_000);
  const [{ lastHeardAt: _, ...seen }] = one.fleet.status().hosts as [
    ReturnType<typeof one.fleet.status>["hosts"][0],
  ];
  assertEquals(seen, { name: "mx2.example", version: "1.0.0", ahead: 5000 });
  assertEquals(other.fleet.status().hosts.map(({ name, ahead }) => [name, ahead]), [[
    "mx1.example",
    0,
  ]]);
  await other.fleet.close();
  await fleet.clock.advance(31_000);
  assertEquals(one.fleet.status().hosts, []);
  await fleet.close();
});

Deno.test("the exchange of the configuration before is no other host", async () => {
  const fleet = new TestFleet();
  const mac = await macOf(1);
  for (const nonce of ["process1_0", "process1_1", "process2_0"]) fleet.add({ mac, nonce });
  await fleet.clock.advance(11_000);
  const names = fleet.hosts.map(({ fleet }) => fleet.status().hosts.map(({ name }) => name));
  const [others, all] = [["mx3.example"], ["mx1.example", "mx2.example"]];
  assertEquals(names, [others, others, all]);
  await fleet.close();
});
