import { assert, assertEquals } from "@std/assert";
import { createFleet, type Host, macOf, policyText, TestFleet, timed } from "./hosts.ts";

const HOUR = 3600_000;
const DAY = 24 * HOUR;

/** How old the fleet's policy is to a host, ms; `undefined` if it has none. */
async function ageOf(host: Host, domain: string): Promise<number | undefined> {
  const policy = (await host.fleet.ask(domain))?.policy;
  return policy && host.clock.now() - policy.fetchedAt;
}

/** Time passes while no host runs; then there is a new one, whose clock is `ahead`. */
async function leap(fleet: TestFleet, ms: number, ahead = 0): Promise<Host> {
  await fleet.close();
  await fleet.clock.advance(ms - 4000);
  const host = fleet.add({ mac: await macOf(1), ahead });
  await fleet.clock.advance(1000);
  return host;
}

Deno.test("hosts an hour apart agree on ages, and hear of changes at once", async () => {
  const fleet = new TestFleet();
  const mac = await macOf(1);
  const hosts = [0, HOUR / 2, -HOUR / 2].map((ahead) => fleet.add({ mac, ahead }));
  fleet.server.ahead = 12_345;
  await fleet.clock.advance(1000);
  for (const [index, host] of hosts.entries()) {
    const domain = `d${index}.example`;
    await timed(fleet, host.fetch(domain), { within: 100 });
    await fleet.clock.advance(60_000);
    for (const other of hosts) assertEquals(await ageOf(other, domain), 60_000);
    const heard = hosts.filter(({ news }) => {
      const last = news.at(-1);
      return last?.kind === "policy" && last.policy.domain === domain;
    });
    assertEquals(heard.length, 2);
  }
  await fleet.close();
});

for (const ahead of [-HOUR / 2, HOUR / 2]) {
  Deno.test(`a policy ends with its max_age for a host ${ahead / 60_000} minutes off`, async () => {
    const fleet = await createFleet(1, { ahead: -ahead });
    const text = policyText("mx", 86_400);
    await timed(fleet, fleet.hosts[0]!.fetch("a.example", { text }), { within: 100 });
    assertEquals(await ageOf(await leap(fleet, DAY - 1000, ahead), "a.example"), DAY - 1000);
    assertEquals(await ageOf(await leap(fleet, 4000, ahead), "a.example"), undefined);
    await fleet.close();
  });
}

for (const jump of [DAY, -DAY]) {
  Deno.test(`the engine's clock jumps by ${jump / DAY} day: no policy outlives its max_age`, async () => {
    const fleet = await createFleet(2);
    const { hosts: [one, other], clock, server } = fleet;
    const text = policyText("mx", 3 * 86_400);
    await timed(fleet, one!.fetch("a.example", { text }), { within: 100 });
    server.ahead = jump;
    await clock.advance(20_000);
    const age = await ageOf(other!, "a.example");
    assert(age !== undefined && age >= 20_000 && age <= DAY + 20_000, `${age}`);
    assert(other!.events.includes("shared cache's clock jumped"));
    assertEquals(other!.fleet.status().offset, jump);
    // What is written from now on is right again.
    await timed(fleet, one!.fetch("b.example", { text }), { within: 100 });
    await clock.advance(1000);
    assertEquals(await ageOf(other!, "b.example"), 1000);
    // To a new host, which knows of no jump, it is no younger than it is, and a day older at most.
    const late = await ageOf(await leap(fleet, DAY), "a.example");
    assert(late !== undefined && late >= DAY && late <= 2 * DAY + 30_000, `${late}`);
    assertEquals(await ageOf(await leap(fleet, 2 * DAY), "a.example"), undefined);
    await fleet.close();
  });
}

Deno.test("a host that noticed the jump is understood by those that did not", async () => {
  const fleet = await createFleet(2);
  const { hosts: [one, other], clock, server } = fleet;
  await clock.advance(9000);
  server.ahead = DAY;
  // The third host begins anew and measures; the others will in a moment.
  const late = fleet.add({ mac: await macOf(1) });
  await clock.advance(50);
  await timed(fleet, late.fetch("a.example", { ms: 10 }), { within: 20 });
  const [heard] = one!.news;
  assert(heard?.kind === "policy");
  assertEquals(heard.policy.fetchedAt, clock.now() - 10);
  // A purge has the engine's time alone: it counts once the others have measured, or by the next question.
  assertEquals((await timed(fleet, late.fleet.purge("a.example"), { within: 20 })).value, 2);
  assertEquals(one!.fleet.status().refused.future, 1);
  await clock.advance(20_000);
  for (const host of [one!, other!]) {
    assertEquals((await host.fleet.ask("a.example"))?.policy, undefined);
  }
  await fleet.close();
});

Deno.test("a purge counts by an engine whose clock is hours behind", async () => {
  const fleet = new TestFleet();
  fleet.server.ahead = -5 * HOUR;
  const mac = await macOf(1);
  const [one, other] = [fleet.add({ mac }), fleet.add({ mac })];
  await fleet.clock.advance(1000);
  await one.fleet.purge("a.example");
  await fleet.clock.advance(10);
  assertEquals(other.news, [{ kind: "purge", domain: "a.example", at: fleet.clock.now() - 10 }]);
  await fleet.close();
});

Deno.test("half of the round trip is taken for the way of the reply", async () => {
  const fleet = new TestFleet();
  fleet.server.faults.delay = 100;
  fleet.server.ahead = 5000;
  const host = fleet.add({ mac: await macOf(1) });
  await fleet.clock.advance(1000);
  assertEquals(host.fleet.status().offset, 4950);
  await fleet.close();
});

Deno.test("a time that cannot be is not taken, and the engine counts as up", async () => {
  const fleet = new TestFleet();
  fleet.server.ahead = NaN;
  const host = fleet.add({ mac: await macOf(1) });
  await fleet.clock.advance(1000);
  assertEquals([host.fleet.status().state, host.fleet.status().offset], ["up", undefined]);
  fleet.server.ahead = 5;
  await fleet.clock.advance(20_000);
  assertEquals(host.fleet.status().offset, 5);
  await fleet.close();
});
