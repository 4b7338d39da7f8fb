/** Several hosts on an engine that others write to, or under clocks that are wrong; see fleet_hosts_test.ts. */

import { assert, assertEquals } from "@std/assert";
import { sealFact } from "../../src/fleet/entry.ts";
import { FleetWorld, passUntil, secure } from "../fakes/fleet_world.ts";
import { macOf, SETTINGS } from "../fleet/hosts.ts";
import { DAY, HOUR, MINUTE } from "../fakes/world.ts";

const MAC = await macOf(1);

Deno.test("case 10: whatever is written into the engine, no answer is weaker than before", async () => {
  const fleet = new FleetWorld({ mac: MAC });
  const other = await macOf(2);
  const domain = "held.example";
  fleet.publish(domain);
  const [host, holder] = await fleet.addAll(2);
  await passUntil(fleet, host!.world.reply(domain), 1000);
  await passUntil(fleet, holder!.world.reply(domain), 1000);
  const genuine = fleet.server.entries.get(`p:${domain}`)!;
  const none = "version: STSv1\nmode: none\nmax_age: 604800\n";
  const seal = (name: string, { mac = other, text = none, at = fleet.clock.now() } = {}) =>
    sealFact(
      {
        kind: "p",
        policy: { domain: name, id: "9", text, fetchedAt: at, expiresAt: at + 7 * DAY },
      },
      0,
      { mac, host: "evil.example", settings: SETTINGS },
    ) ?? "";
  const forged = [
    "",
    "-",
    "x".repeat(100_000),
    seal(domain),
    seal("other.example"),
    seal(domain, { at: fleet.clock.now() + HOUR }),
    genuine.sealed.replace(/.$/, "!"),
  ];
  fleet.setDns({ [`TXT _mta-sts.${domain}`]: "nxdomain" });
  for (const sealed of forged) {
    fleet.forge(domain, sealed);
    assertEquals(await host!.world.reply(domain), secure(domain));
    // A new host takes nothing of it: it finds no record, as if it were alone.
    const fresh = fleet.add();
    await fleet.clock.advance(1000);
    assertEquals(await fresh.world.reply(domain), "NOTFOUND ");
    await fresh.close();
  }
  const { refused } = host!.fleet.status();
  assert(refused.form > 0 && refused.signature > 0, JSON.stringify(refused));
  // A replay of the genuine entry is no more than what it was.
  fleet.server.entries.set(`p:${domain}`, genuine);
  const fresh = fleet.add();
  await fleet.clock.advance(1000);
  assertEquals(await fresh.world.reply(domain), secure(domain));
  await fleet.close();
});

Deno.test("case 11: without a secret, a forged change of a held policy causes an own look, and no more", async () => {
  const fleet = new FleetWorld();
  const domain = "held.example";
  fleet.publish(domain);
  const [host] = await fleet.addAll(2);
  await passUntil(fleet, host!.world.reply(domain), 1000);
  const none = "version: STSv1\nmode: none\nmax_age: 604800\n";
  await fleet.clock.advance(HOUR);
  const at = fleet.clock.now();
  const policy = { domain, id: "9", text: none, fetchedAt: at, expiresAt: at + 7 * DAY };
  const sealed = sealFact(
    { kind: "p", policy },
    0,
    { mac: undefined, host: "evil.example", settings: SETTINGS },
  )!;
  const before = fleet.fetches();
  fleet.forge(domain, sealed);
  assertEquals(await host!.world.reply(domain), secure(domain));
  await fleet.clock.advance(10_000);
  assertEquals(fleet.fetches() - before, 1);
  assertEquals(await host!.world.reply(domain), secure(domain));
  assertEquals(host!.world.resolver.report(domain).held?.id, "1");
  await fleet.close();
});

for (
  const [what, skews, jumps] of [
    ["hosts an hour apart", [0, HOUR, -HOUR], []],
    ["an engine whose clock jumps by a day", [0, 0, 0], [DAY, -DAY]],
  ] as const
) {
  Deno.test(`case 14: with ${what}, no policy outlives its max_age or is lost before`, async () => {
    const fleet = new FleetWorld({ mac: MAC });
    const domain = "d.example";
    fleet.publish(domain, { maxAge: 3 * 3600 });
    const hosts = skews.map((ahead) => fleet.add({ ahead }));
    await fleet.clock.advance(1000);
    await passUntil(fleet, hosts[1]!.world.reply(domain), 1000);
    for (const { world } of hosts) await passUntil(fleet, world.reply(domain), 1000);
    assertEquals(fleet.fetches(), 1);
    delete fleet.files[domain];
    const end = fleet.served[0]!.at + 3 * HOUR;
    const lateness = () =>
      hosts.map(({ world, ahead }) =>
        (world.resolver.report(domain).held?.expiresAt ?? NaN) - ahead - end
      );
    assert(lateness().every((late) => Math.abs(late) <= 60_000), `${lateness()}`);
    for (const jump of jumps) {
      fleet.server.ahead = jump;
      await fleet.clock.advance(2 * MINUTE);
      const fresh = fleet.add();
      await fleet.clock.advance(1000);
      await passUntil(fleet, Promise.resolve(fresh.world.reply(domain)), 1000);
      hosts.push(fresh);
      // A host that learns of it only now may lose it early, and never late.
      assert(lateness().every((late) => !(late > 60_000)), `${lateness()}`);
      assert(lateness().slice(0, 3).every((late) => late > -60_000), `${lateness()}`);
    }
    await fleet.clock.advance(end - fleet.clock.now() - 90_000);
    for (const { world } of hosts.slice(0, 3)) {
      assertEquals(await world.reply(domain), secure(domain));
    }
    await fleet.clock.advance(90_000 + 60_000);
    for (const { world } of hosts) {
      const [reply] = await passUntil(fleet, Promise.resolve(world.reply(domain)), 1000);
      assertEquals(reply, "NOTFOUND ");
    }
    await fleet.close();
  });
}
