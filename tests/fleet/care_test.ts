import { assert, assertEquals } from "@std/assert";
import { sealFact } from "../../src/fleet/entry.ts";
import { wrap } from "../../src/fleet/envelope.ts";
import { sealMessage } from "../../src/fleet/message.ts";
import type { Entry } from "../../src/fleet/types.ts";
import {
  createFleet,
  macOf,
  ownPolicy,
  request,
  SETTINGS,
  type TestFleet,
  timed,
} from "./hosts.ts";

const mac = await macOf(1);

/** Calls of a kind that the server has got. */
function count({ server }: TestFleet, call: string): number {
  return server.calls.filter((each) => each === call).length;
}

Deno.test("a grant that comes late, after the engine answers again, is given back", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  await clock.advance(10_000);
  host!.engine.faults.delay = 700;
  const claim = timed(fleet, host!.fleet.claim("a.example", request()), { within: 300 });
  assertEquals((await claim).value.kind, "fetch");
  host!.engine.faults.delay = 0;
  await clock.advance(500);
  assertEquals([host!.fleet.status().state, server.lease("a.example")], ["up", undefined]);
  await fleet.close();
});

Deno.test("what has expired in the outbox is not sent", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  server.set("down");
  const text = "version: STSv1\nmode: none\nmax_age: 60\n";
  await timed(fleet, host!.fetch("short.example", { text }), { within: 200 });
  await timed(fleet, host!.fetch("long.example"), { within: 200 });
  await clock.advance(61_000);
  server.set("up");
  await clock.advance(5000);
  assertEquals([...server.entries.keys()], ["p:long.example"]);
  assertEquals(host!.metrics.samples("mta_sts_shared_published_total")[0]?.value, 1);
  await fleet.close();
});

Deno.test("a host that hears of a purge does not send what is older, nor does the one that purged", async () => {
  const fleet = await createFleet(2);
  const { server, clock, hosts: [one, other] } = fleet;
  one!.engine.faults.isReadOnly = true;
  await timed(fleet, one!.fetch("a.example"), { within: 200 });
  await timed(fleet, one!.fetch("b.example"), { within: 200 });
  assertEquals(one!.fleet.status().outbox.entries, 2);
  await timed(fleet, other!.fleet.purge("a.example"), { within: 20 });
  await timed(fleet, one!.fleet.purge("b.example"), { within: 20 });
  one!.engine.faults.isReadOnly = false;
  await clock.advance(20_000);
  assertEquals([...server.entries.keys()], ["t:a.example", "t:b.example"]);
  assertEquals(other!.news.map(({ kind }) => kind), ["purge"]);
  await fleet.close();
});

Deno.test("what is played back of a purged domain is no news, and a purge is news once", async () => {
  const fleet = await createFleet(2);
  const { server, clock, hosts: [one, other] } = fleet;
  await timed(fleet, one!.fetch("a.example", { fails: "status" }), { within: 200 });
  const failure = server.entries.get("f:a.example")!;
  await timed(fleet, one!.fleet.purge("a.example"), { within: 20 });
  const tombstone = server.entries.get("t:a.example")!;
  other!.news.length = 0;
  for (const { sealed } of [failure, tombstone]) server.broadcast(sealed);
  server.entries.set("f:a.example", failure);
  await clock.advance(10);
  assertEquals(other!.news, []);
  assertEquals((await other!.fleet.ask("a.example"))?.failure, undefined);
  await fleet.close();
});

Deno.test("a purge that a question finds before it is heard is news all the same, and the news is none then", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  const at = clock.now();
  const fact = { kind: "t", domain: "a.example", at } as const;
  const sealed = sealFact(fact, 0, { mac, host: "mx9.example", settings: SETTINGS })!;
  const entry = { kind: "t", name: "a.example", sealed, at, expiresAt: at + 3_600_000 } as const;
  server.entries.set("t:a.example", entry);
  await timed(fleet, host!.fleet.ask("a.example"), { within: 200 });
  assertEquals(host!.news, [{ kind: "purge", domain: "a.example", at }]);
  server.broadcast(sealed);
  await clock.advance(10);
  assertEquals(host!.news.length, 1);
  await fleet.close();
});

Deno.test("a failure that is older than a policy for the same id has ended", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  await timed(fleet, host!.fetch("a.example", { fails: "status" }), { within: 200 });
  const failure = server.entries.get("f:a.example")!;
  await clock.advance(300_000);
  await timed(fleet, host!.fetch("a.example"), { within: 200 });
  server.entries.set("f:a.example", failure);
  const known = await host!.fleet.ask("a.example");
  assertEquals([known?.policy?.id, known?.failure], ["1", undefined]);
  await fleet.close();
});

Deno.test("an engine that is said to be empty again and again gets what is held once in ten minutes", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  host!.held.set("a.example", ownPolicy("a.example", { fetchedAt: clock.now() }));
  const before = count(fleet, "read");
  const say = (nonce: string) =>
    server.broadcast(sealMessage({ kind: "emptied", host: "mx9", nonce }, { mac })!);
  // Its own message is not followed.
  say("nonce-of-host-1");
  await clock.advance(61_000);
  assertEquals(count(fleet, "read"), before);
  for (let left = 9; left > 0; left--) {
    say(`nonce-of-host-${left + 1}`);
    await clock.advance(60_000);
  }
  assertEquals(count(fleet, "read"), before + 1);
  assertEquals((await host!.fleet.ask("a.example"))?.policy?.id, "1");
  await fleet.close();
});

Deno.test("a push takes its time, counts once, leaves out what was purged, and ends with the exchange", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  const now = clock.now();
  for (let index = 0; index < 450; index++) {
    const domain = `d${index}.example`;
    host!.held.set(domain, ownPolicy(domain, { fetchedAt: now }));
  }
  await host!.fleet.purge("d7.example");
  const pushes = [host!.fleet.push(), host!.fleet.push()];
  assert(pushes[0] === pushes[1]);
  const { value, ms } = await timed(fleet, Promise.all(pushes), { within: 2000 });
  assertEquals(value[0], { sent: 449, kept: 0, refused: 0, fault: undefined });
  assertEquals([ms, server.entries.size], [800, 450]);
  server.entries.clear();
  void host!.fleet.push();
  await clock.advance(250);
  await timed(fleet, host!.fleet.close(), { within: 10 });
  await clock.advance(1000);
  assertEquals(server.entries.size, 200);
  await fleet.close();
});

Deno.test("what a newer program wrote stays", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  const sealed = wrap("p", { v: 2, d: "a.example" }, { mac })!;
  const entry: Entry = { kind: "p", name: "a.example", sealed, at: 0, expiresAt: Infinity };
  server.entries.set("p:a.example", entry);
  host!.held.set("a.example", ownPolicy("a.example", { fetchedAt: clock.now() }));
  assertEquals(await host!.fleet.push(), { sent: 0, kept: 1, refused: 0, fault: undefined });
  assertEquals(server.entries.get("p:a.example"), entry);
  await fleet.close();
});

Deno.test("no more than 1,000 hosts are listed, and those that are gone make room", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  await clock.advance(500);
  const say = async (from: number, to: number) => {
    for (let index = from; index < to; index++) {
      if (index % 500 === 0) await clock.advance(1000);
      const names = { host: `mx${index}`, nonce: `nonce-${1e6 + index}` };
      const message = { kind: "heartbeat", version: "1", ahead: 0, ...names } as const;
      server.broadcast(sealMessage(message, { mac })!);
    }
    await clock.advance(10);
    return host!.fleet.status().hosts.map(({ name }) => name);
  };
  const first = await say(0, 1500);
  assertEquals([first.length, first.includes("mx1400")], [1000, false]);
  await clock.advance(40_000);
  const next = await say(1500, 1510);
  assertEquals([next.length, next.includes("mx1509")], [10, true]);
  await fleet.close();
});

Deno.test("a flood of long messages costs no more than 4 MB in a second", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  await clock.advance(20_000);
  const flood = wrap("p", { x: "x".repeat(99_000) }, { mac: await macOf(9) })!;
  for (let left = 100; left > 0; left--) server.broadcast(flood);
  server.broadcast("y".repeat(1_000_000));
  await clock.advance(1000);
  const { signature, size } = host!.fleet.status().refused;
  assertEquals([signature > 30 && signature < 50, size], [true, 1]);
  await clock.advance(20_000);
  assertEquals(host!.fleet.status().hearing, "open");
  await fleet.close();
});

Deno.test("news that may have been missed while a subscription was lost is said to be back", async () => {
  const fleet = await createFleet(1);
  const { clock, hosts: [host] } = fleet;
  await clock.advance(20_000);
  assertEquals(host!.news, []);
  host!.engine.reopen();
  await clock.advance(10);
  assertEquals(host!.news, [{ kind: "back" }]);
  await fleet.close();
});

Deno.test("views on the channel are not looked at", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  const view = { nextHop: "a.example", json: "{}", checkedAt: clock.now() };
  const seal = { mac: await macOf(2), host: "evil", settings: SETTINGS };
  server.broadcast(sealFact({ kind: "x", view }, 0, seal)!);
  await clock.advance(10);
  assertEquals(host!.fleet.status().refused.signature, 0);
  assertEquals(host!.fleet.status().lastNewsAt, undefined);
  await fleet.close();
});

Deno.test("a lease that another host took over is renewed no more", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  const claim = await host!.fleet.claim("a.example", request());
  assert(claim.kind === "fetch");
  server.leases.set("a.example", { token: "x", until: Infinity });
  await clock.advance(1500);
  assertEquals(host!.fleet.status().leases, 0);
  const calls = count(fleet, "renew");
  await clock.advance(5000);
  assertEquals(count(fleet, "renew"), calls);
  claim.release();
  await clock.advance(10);
  assertEquals(server.lease("a.example")?.token, "x");
  await fleet.close();
});
