import { assert, assertEquals } from "@std/assert";
import { Outbox } from "../../src/fleet/outbox.ts";
import { createFleet, macOf, ownPolicy, request, TestFleet, timed } from "./hosts.ts";

Deno.test("what one exchange could not send, the next one does", async () => {
  const fleet = new TestFleet();
  const mac = await macOf(1);
  const outbox = new Outbox();
  fleet.server.set("down");
  const before = fleet.add({ mac, outbox });
  await timed(fleet, before.fetch("a.example"), { within: 200 });
  await timed(fleet, before.fleet.close(), { within: 10 });
  fleet.server.set("up");
  const after = fleet.add({ mac, outbox });
  await fleet.clock.advance(1000);
  assertEquals((await after.fleet.ask("a.example"))?.policy?.id, "1");
  await fleet.close();
});

Deno.test("an engine that was emptied gets back what all hosts hold", async () => {
  const fleet = await createFleet(3);
  const { server, clock, hosts } = fleet;
  for (const [index, host] of hosts.entries()) {
    for (let left = 250; left > 0; left--) {
      const domain = `d${index}-${left}.example`;
      host.held.set(domain, ownPolicy(domain, { fetchedAt: clock.now() }));
    }
    host.held.set(
      "all.example",
      ownPolicy("all.example", { fetchedAt: clock.now() + (index - 2) * 120_000 }),
    );
  }
  server.empty();
  await clock.advance(80_000);
  assertEquals(server.entries.size, 751);
  const emptied = "shared cache was empty: sending it what is held here";
  // Once when the fleet began, and once now.
  const said = hosts.flatMap(({ events }) => events.filter((event) => event === emptied));
  assertEquals(said.length, 2);
  const known = await hosts[0]!.fleet.ask("all.example");
  assertEquals(known?.policy?.fetchedAt, hosts[2]!.held.get("all.example")!.fetchedAt);
  await fleet.close();
});

Deno.test("push() sends what the engine lacks or has older, and pull() hands on what opens", async () => {
  const fleet = await createFleet(2);
  const { server, clock, hosts: [one, other] } = fleet;
  const now = clock.now();
  const hour = 3600_000;
  const hold = (domain: string, given: Parameters<typeof ownPolicy>[1]) =>
    one!.held.set(domain, ownPolicy(domain, given));
  hold("absent.example", { fetchedAt: now });
  hold("newer.example", { fetchedAt: now });
  hold("older.example", { fetchedAt: now - hour });
  hold("expired.example", { fetchedAt: now - 700_000_000 });
  hold("damaged.example", { fetchedAt: now });
  hold("same.example", { fetchedAt: now });
  const text = `version: STSv1\nmode: none\nmax_age: 86400\nx: ${"\u00e9".repeat(30_000)}\n`;
  hold("large.example", { text, fetchedAt: now });
  for (const domain of ["newer.example", "older.example"]) {
    const claim = await other!.fleet.claim(domain, request());
    assert(claim.kind === "fetch");
    claim.publish(ownPolicy(domain, { id: "9", fetchedAt: now - hour / 2 }));
  }
  const same = await other!.fleet.claim("same.example", request());
  assert(same.kind === "fetch");
  // Clocks may have drifted apart by that much.
  same.publish(ownPolicy("same.example", { fetchedAt: now - 59_000 }));
  await clock.advance(10);
  const stray = server.entries.get("p:newer.example")!;
  server.entries.set("p:damaged.example", { ...stray, name: "damaged.example" });
  const pushed = await timed(fleet, one!.fleet.push(), { within: 1000 });
  assertEquals(pushed.value, { sent: 3, kept: 2, refused: 1, fault: undefined });
  const idOf = async (domain: string) => (await other!.fleet.ask(domain))?.policy?.id;
  const domains = ["absent", "newer", "older", "expired", "damaged"].map((name) =>
    `${name}.example`
  );
  assertEquals(await Promise.all(domains.map(idOf)), ["1", "1", "9", undefined, "1"]);

  server.entries.set("p:forged.example", { ...stray, name: "forged.example", sealed: "x.p{}" });
  const taken: string[] = [];
  const pulled = await timed(fleet, other!.fleet.pull(({ domain }) => void taken.push(domain)), {
    within: 1000,
  });
  assertEquals(pulled.value, { sent: 5, kept: 0, refused: 1, fault: undefined });
  assertEquals(
    taken.sort(),
    ["absent", "damaged", "newer", "older", "same"].map((name) => `${name}.example`),
  );

  server.set("down");
  assert((await one!.fleet.push()).fault !== undefined);
  assert((await one!.fleet.pull(() => {})).fault !== undefined);
  await fleet.close();
});

Deno.test("the outbox keeps the newest of each domain, 10,000 of them and 4 MB", async () => {
  const fleet = await createFleet(1);
  const { server, clock, hosts: [host] } = fleet;
  server.set("down");
  const keep = async (domain: string, given: Parameters<typeof ownPolicy>[1]) => {
    const claim = await host!.fleet.claim(domain, request());
    assert(claim.kind === "fetch");
    claim.publish(ownPolicy(domain, given));
  };
  for (let index = 0; index < 10_100; index++) {
    await keep(`d${index}.example`, { fetchedAt: clock.now() });
  }
  assertEquals(host!.fleet.status().outbox.entries, 10_000);
  assertEquals(host!.fleet.status().outbox.dropped, 100);
  await keep("d10000.example", { id: "3", fetchedAt: clock.now() + 1 });
  await keep("d10000.example", { id: "2", fetchedAt: clock.now() });
  const text = `version: STSv1\nmode: none\nmax_age: 86400\nx: ${"x".repeat(60_000)}\n`;
  for (let index = 0; index < 100; index++) {
    await keep(`big${index}.example`, { text, fetchedAt: clock.now() });
  }
  const { entries, octets } = host!.fleet.status().outbox;
  assert(octets <= 4 * 1024 * 1024 && octets > 3.9 * 1024 * 1024 && entries < 100, `${octets}`);
  // More would not come through within the deadline of a call, and never.
  let most = 0;
  const publish = host!.engine.publish.bind(host!.engine);
  host!.engine.publish = (sent, options) => {
    most = Math.max(most, sent.reduce((sum, { sealed }) => sum + sealed.length, 0));
    return publish(sent, options);
  };
  server.set("up");
  for (let left = 50; left > 0; left--) await clock.advance(100);
  assert(most < 200_000, `${most}`);
  assertEquals(host!.fleet.status().outbox, {
    ...host!.fleet.status().outbox,
    entries: 0,
    octets: 0,
  });
  assertEquals(server.entries.size, entries);
  await fleet.close();
});

Deno.test("a push signs anew what nobody can verify any more, once the old secret is gone", async () => {
  const fleet = new TestFleet();
  const [old, both, alone] = [await macOf(1), await macOf(2, 1), await macOf(2)];
  const hosts = [old, both, alone].map((mac) => fleet.add({ mac }));
  await fleet.clock.advance(1000);
  await timed(fleet, hosts[0]!.fetch("a.example"), { within: 200 });
  for (const host of hosts) host.held.set("a.example", hosts[0]!.held.get("a.example")!);
  const [, changing, changed] = hosts;
  assertEquals(await changing!.fleet.push(), { sent: 0, kept: 1, refused: 0, fault: undefined });
  assertEquals((await changed!.fleet.ask("a.example"))?.policy, undefined);
  assertEquals(await changed!.fleet.push(), { sent: 1, kept: 0, refused: 0, fault: undefined });
  assertEquals((await changed!.fleet.ask("a.example"))?.policy?.id, "1");
  await fleet.close();
});

Deno.test("a push of large policies makes no call that is too large for a slow link", async () => {
  const fleet = await createFleet(1);
  const { clock, server, hosts: [host] } = fleet;
  const text = `version: STSv1\nmode: none\nmax_age: 86400\nx: ${"x".repeat(60_000)}\n`;
  for (let index = 0; index < 20; index++) {
    const domain = `big${index}.example`;
    host!.held.set(domain, ownPolicy(domain, { text, fetchedAt: clock.now() }));
  }
  const sizes: number[] = [];
  const publish = host!.engine.publish.bind(host!.engine);
  host!.engine.publish = (sent, options) => {
    sizes.push(sent.reduce((sum, { sealed }) => sum + sealed.length, 0));
    return publish(sent, options);
  };
  assertEquals(await host!.fleet.push(), { sent: 20, kept: 0, refused: 0, fault: undefined });
  assertEquals([server.entries.size, sizes.length], [20, 10]);
  assert(Math.max(...sizes) < 200_000);
  await fleet.close();
});
