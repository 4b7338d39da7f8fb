import { assert, assertEquals } from "@std/assert";
import { sealFact } from "../../src/fleet/entry.ts";
import { createMac } from "../../src/fleet/mac.ts";
import { createRandom } from "../fakes/random.ts";
import {
  createFleet,
  type Host,
  macOf,
  ownPolicy,
  policyText,
  request,
  SETTINGS,
  TestFleet,
  timed,
} from "./hosts.ts";

const NONE = "version: STSv1\nmode: none\nmax_age: 86400\n";

/** Refusals by reason, without those that did not happen. */
function refused({ fleet }: Host): Record<string, number> {
  return Object.fromEntries(
    Object.entries(fleet.status().refused).filter(([, count]) => count > 0),
  );
}

/** Writes an entry as somebody with a secret of his own would, and announces it. */
function plant(fleet: TestFleet, given: {
  readonly name?: string;
  readonly domain?: string;
  readonly text?: string;
  readonly sealed?: string;
  readonly seal?: Partial<Parameters<typeof sealFact>[2]>;
  readonly fetchedAt?: number;
}): void {
  const { domain = "a.example", name = domain, text = NONE, seal, fetchedAt = fleet.clock.now() } =
    given;
  const policy = ownPolicy(domain, { text, fetchedAt });
  const options = { mac: undefined, host: "evil.example", settings: SETTINGS, ...seal };
  const sealed = given.sealed ?? sealFact({ kind: "p", policy }, 0, options)!;
  const times = { at: fetchedAt, expiresAt: Infinity };
  fleet.server.entries.set(`p:${name}`, { kind: "p", name, sealed, ...times });
  fleet.server.broadcast(sealed);
}

Deno.test("forged, foreign and damaged entries count as absent, and are counted", async () => {
  const fleet = await createFleet(1);
  const { hosts: [host], clock } = fleet;
  const other = await createMac([new Uint8Array(32).fill(1)], "other-fleet");
  const mac = await macOf(1);
  const cases: [reason: string, given: Parameters<typeof plant>[1]][] = [
    ["unsigned", {}],
    ["signature", { seal: { mac: await macOf(2) } }],
    ["signature", { seal: { mac: other } }],
    ["settings", { seal: { mac, settings: "other-config" } }],
    ["size", { sealed: "x".repeat(100_001) }],
    ["form", { sealed: "\0\ud800" }],
    ["future", { seal: { mac }, fetchedAt: clock.now() + 3600_000 }],
  ];
  for (const [reason, given] of cases) {
    const before = refused(host!)[reason] ?? 0;
    plant(fleet, given);
    await clock.advance(10);
    assertEquals(await host!.fleet.ask("a.example"), { policy: undefined, failure: undefined });
    // Once by the news and once by the question.
    assertEquals((refused(host!)[reason] ?? 0) - before, 2, reason);
    const fetched = await timed(fleet, host!.fetch(`${reason}.example`), { within: 200 });
    assertEquals(fetched.value?.text, policyText("mx"));
  }
  assertEquals(host!.news, []);
  // Each reason is a line in the log, once an hour.
  const warned = host!.events.filter((event) => event === "entry of the shared cache refused");
  assertEquals(warned.length, 6);
  await fleet.close();
});

Deno.test("a good entry under another domain counts as absent", async () => {
  const fleet = await createFleet(1);
  const { hosts: [host] } = fleet;
  plant(fleet, { domain: "evil.example", name: "bank.example", seal: { mac: await macOf(1) } });
  assertEquals((await host!.fleet.ask("bank.example"))?.policy, undefined);
  assertEquals(refused(host!), { name: 1 });
  await fleet.close();
});

Deno.test("an entry that is played back replaces no newer one, and ends with its max_age", async () => {
  const fleet = await createFleet(1);
  const { hosts: [host], clock, server } = fleet;
  await timed(fleet, host!.fetch("a.example", { text: policyText("old", 86_400) }), {
    within: 200,
  });
  const old = server.entries.get("p:a.example")!;
  await clock.advance(3600_000);
  const now = clock.now();
  server.entries.set("p:a.example", { ...old, expiresAt: Infinity });
  const claim = await host!.fleet.claim(
    "a.example",
    request({ newerThan: now - 1000, heldText: "x" }),
  );
  assertEquals(claim.kind, "fetch");
  if (claim.kind === "fetch") claim.release();
  await fleet.close();
  await clock.advance(86_400_000);
  const late = fleet.add({ mac: await macOf(1) });
  await clock.advance(1000);
  assertEquals((await late.fleet.ask("a.example"))?.policy, undefined);
  assertEquals(refused(late), { expired: 1 });
  await fleet.close();
});

Deno.test("while the secret changes over, hosts with both understand all", async () => {
  const fleet = new TestFleet();
  const [before, both, after] = [
    fleet.add({ mac: await macOf(1) }),
    fleet.add({ mac: await macOf(1, 2) }),
    fleet.add({ mac: await macOf(2, 1) }),
  ];
  await fleet.clock.advance(1000);
  for (const [index, host] of fleet.hosts.entries()) {
    await timed(fleet, host.fetch(`d${index}.example`), { within: 200 });
  }
  const known = async (host: Host) =>
    await Promise.all(
      [0, 1, 2].map(async (index) =>
        (await host.fleet.ask(`d${index}.example`))?.policy !== undefined
      ),
    );
  assertEquals(await known(before), [true, true, false]);
  assertEquals(await known(both), [true, true, true]);
  assertEquals(await known(after), [true, true, true]);
  await fleet.close();
});

Deno.test("a purge reaches all hosts, and older entries are not taken for an hour", async () => {
  const fleet = await createFleet(3);
  const { hosts: [one, other, third], clock, server } = fleet;
  await clock.advance(11_000);
  const { value: policy } = await timed(fleet, one!.fetch("a.example"), { within: 200 });
  const old = server.entries.get("p:a.example")!;
  assertEquals((await timed(fleet, other!.fleet.purge("a.example"), { within: 10 })).value, 2);
  assertEquals(server.entries.has("p:a.example"), false);
  for (const host of [one!, third!]) {
    assertEquals(host.news.at(-1), { kind: "purge", domain: "a.example", at: clock.now() - 10 });
  }
  assertEquals(other!.news.filter(({ kind }) => kind === "purge"), []);
  // A host that was away brings it back.
  server.entries.set("p:a.example", old);
  const late = fleet.add({ mac: await macOf(1) });
  await clock.advance(1000);
  for (const host of [one!, other!, late]) {
    assertEquals((await host.fleet.ask("a.example"))?.policy, undefined, host.name);
  }
  const claim = await late.fleet.claim("a.example", request({ id: policy!.id }));
  assert(claim.kind === "fetch");
  claim.publish(ownPolicy("a.example", { fetchedAt: clock.now() }));
  await clock.advance(100);
  assertEquals((await one!.fleet.ask("a.example"))?.policy?.host, late.name);
  await fleet.close();
});

Deno.test("a purge that the engine does not take is sent later", async () => {
  const fleet = await createFleet(2);
  const { hosts: [one, other], clock, server } = fleet;
  await timed(fleet, one!.fetch("a.example"), { within: 200 });
  server.set("down");
  assertEquals(
    (await timed(fleet, one!.fleet.purge("a.example"), { within: 10 })).value,
    undefined,
  );
  server.set("up");
  await clock.advance(5000);
  assertEquals(other!.news.at(-1)?.kind, "purge");
  assertEquals((await other!.fleet.ask("a.example"))?.policy, undefined);
  await fleet.close();
});

Deno.test("views go to and fro, as long as they count", async () => {
  const fleet = await createFleet(2);
  const { hosts: [one, other], clock } = fleet;
  const view = { nextHop: "[mx.a.example]:587", json: '{"dane":"absent"}', checkedAt: clock.now() };
  one!.fleet.publishView(view);
  await clock.advance(10);
  assertEquals(await other!.fleet.askView(view.nextHop), view);
  assertEquals(await other!.fleet.askView("mx.a.example"), undefined);
  assertEquals(other!.news, []);
  await fleet.close();
  await clock.advance(24 * 3600_000);
  const late = fleet.add({ mac: await macOf(1) });
  await clock.advance(1000);
  assertEquals(await late.fleet.askView(view.nextHop), undefined);
  await fleet.close();
});

Deno.test("without a secret, a policy stands in for a first fetch, and for the held text", async () => {
  const fleet = await createFleet(2, { mac: undefined });
  const { hosts: [one, other], clock } = fleet;
  const all = Promise.all([one!.fetch("a.example"), other!.fetch("a.example")]);
  const { value: [policy, learned] } = await timed(fleet, all, { within: 200 });
  assertEquals([fleet.fetches, learned?.text], [1, policy?.text]);
  const heard = other!.news.at(-1);
  assert(heard?.kind === "policy" && !heard.policy.isSigned);

  const held = { newerThan: clock.now() - 3600_000, heldText: policyText("mx") };
  const kindOf = async (given: Parameters<typeof request>[0]) => {
    const { value, ms } = await timed(fleet, other!.fleet.claim("a.example", request(given)), {
      within: 700,
    });
    if (value.kind === "fetch") value.release();
    await clock.advance(100);
    return [value.kind, ms];
  };
  assertEquals(await kindOf(held), ["learned", 0]);
  plant(fleet, { text: NONE });
  assertEquals(await kindOf(held), ["fetch", 0]);
  // Nor does the host wait for a result that it would not take.
  fleet.server.leases.set("a.example", { token: "x", until: Infinity });
  assertEquals(await kindOf(held), ["fetch", 0]);
  await fleet.close();
});

Deno.test("without a secret, back-off, purge and view are not shared", async () => {
  const fleet = await createFleet(2, { mac: undefined });
  const { hosts: [one, other], clock, server } = fleet;
  await timed(fleet, one!.fetch("a.example", { fails: "status" }), { within: 200 });
  one!.fleet.publishView({ nextHop: "a.example", json: "{}", checkedAt: clock.now() });
  await timed(fleet, one!.fetch("b.example"), { within: 200 });
  assertEquals([...server.entries.keys()], ["p:b.example"]);
  assertEquals(server.leases.size, 0);
  const calls = server.calls.length;
  assertEquals(await other!.fleet.askView("a.example"), undefined);
  assertEquals(server.calls.length, calls);
  // A purge is for this host: for an hour it takes nothing older.
  await clock.advance(10);
  assertEquals(await one!.fleet.purge("b.example"), undefined);
  assertEquals((await one!.fleet.ask("b.example"))?.policy, undefined);
  assertEquals((await other!.fleet.ask("b.example"))?.policy?.id, "1");
  await clock.advance(3601_000);
  assertEquals((await one!.fleet.ask("b.example"))?.policy?.id, "1");
  assertEquals(refused(one!), { purged: 1 });
  await fleet.close();
});

Deno.test("hostile text in every reply leads to nothing but own fetches", async () => {
  for (const mac of [await macOf(1), undefined]) {
    const fleet = await createFleet(2, { mac });
    const { hosts, clock, server } = fleet;
    await timed(fleet, hosts[0]!.fetch("a.example"), { within: 200 });
    const good = server.entries.get("p:a.example")!.sealed;
    const random = createRandom(8461);
    server.faults.forge = () => random.mutate(good);
    for (let round = 0; round < 300; round++) {
      const domain = `h${round}.example`;
      server.broadcast(random.mutate(good));
      server.broadcast(random.string(random.int(200)));
      const all = Promise.all(hosts.map((host) => host.fetch(domain, { ms: 5 })));
      const { value } = await timed(fleet, all, { within: 4000 });
      assert(value.every((policy) => policy?.text === policyText("mx")), domain);
      await Promise.all(hosts.map((host) => host.fleet.askView(domain)));
    }
    await clock.advance(10_000);
    const heard = hosts.flatMap(({ news }) =>
      news.flatMap((item) => item.kind === "policy" ? item.policy : [])
    );
    if (mac !== undefined) assert(heard.every(({ text }) => text === policyText("mx")));
    await fleet.close();
    assertEquals(clock.pending, 0);
  }
});

Deno.test("a flood of news is cut, and the host goes on", async () => {
  const fleet = await createFleet(2);
  const { hosts: [one, other], clock, server } = fleet;
  await clock.advance(1000);
  const before = refused(one!).form ?? 0;
  for (let left = 5000; left > 0; left--) server.broadcast("x");
  await clock.advance(10);
  assertEquals((refused(one!).form ?? 0) - before, 1000);
  await clock.advance(2000);
  await timed(fleet, other!.fetch("a.example"), { within: 200 });
  assertEquals(one!.news.at(-1)?.kind, "policy");
  await fleet.close();
});
