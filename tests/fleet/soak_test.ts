import { assert, assertEquals } from "@std/assert";
import { createRandom, type Random } from "../fakes/random.ts";
import { macOf, TestFleet } from "./hosts.ts";
import { PublishedWorld, SoakHost } from "./soak_host.ts";

const HOSTS = 5;
const DOMAINS = Array.from({ length: 12 }, (_, index) => `d${index}.example`);

/** How much of the soak is made of faults; the rest are queries. */
const STEPS = 500;

/** Does something to the engine, a link, the world, or what is published. */
function disturb(fleet: TestFleet, world: PublishedWorld, random: Random): void {
  const { server } = fleet;
  const { faults } = random.int(2) === 0 ? server : random.pick(fleet.hosts).engine;
  const entries = [...server.entries.values()];
  const some = entries.length > 0 ? random.pick(entries) : undefined;
  switch (random.int(14)) {
    case 0:
      return void (faults.state = "down");
    case 1:
      return void (faults.state = "hung");
    case 2:
      return void (faults.delay = random.pick([0, 5, 150, 250, 3000]));
    case 3:
      return void (faults.isReadOnly = random.int(2) === 0);
    case 4:
      return void (faults.isDeaf = random.int(2) === 0);
    case 5:
      return server.empty();
    case 6:
      return void (server.ahead = random.pick([0, 0, 20 * 60_000, -86_400_000, 86_400_000]));
    case 7:
      return void (world.isDnsDown = random.int(3) === 0);
    case 8:
      return void (world.isHttpsDown = random.int(3) === 0);
    case 9:
      if (some !== undefined) {
        const sealed = random.mutate(some.sealed);
        server.broadcast(sealed);
        server.entries.set(`${some.kind}:${some.name}`, { ...some, sealed });
      }
      return;
    case 10:
      // An old message again, and an entry in the place of another domain's.
      if (some !== undefined) {
        server.broadcast(some.sealed);
        const name = random.pick(DOMAINS);
        server.entries.set(`p:${name}`, { ...some, kind: "p", name });
      }
      return;
    default:
      return world.change(random.pick(DOMAINS));
  }
}

/** Ends all faults. */
function heal(fleet: TestFleet, world: PublishedWorld): void {
  world.isDnsDown = world.isHttpsDown = false;
  fleet.server.ahead = 0;
  for (const { faults } of [fleet.server, ...fleet.hosts.map(({ engine }) => engine)]) {
    Object.assign(faults, { state: "up", delay: 0, isReadOnly: false, isDeaf: false });
  }
  fleet.server.set("up");
  for (const { engine } of fleet.hosts) engine.reconnect();
}

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`soak ${seed}: no answer is weaker, and nothing grows, whatever the engine does`, async () => {
    const random = createRandom(seed);
    const fleet = new TestFleet();
    const world = new PublishedWorld(fleet.clock);
    const mac = await macOf(1);
    const hosts = Array.from({ length: HOSTS }, (_, index) => {
      const ahead = (index - 2) * 5 * 60_000;
      return new SoakHost(fleet.add({ mac, ahead }), world, { random });
    });
    await fleet.clock.advance(1000);
    const quiet = fleet.clock.pending;
    for (let step = 0; step < STEPS; step++) {
      if (random.int(3) === 0) disturb(fleet, world, random);
      if (random.int(40) === 0) heal(fleet, world);
      if (random.int(60) === 0) void random.pick(hosts).purge(random.pick(DOMAINS));
      for (let left = random.int(12); left > 0; left--) {
        void random.pick(hosts).query(random.pick(DOMAINS));
      }
      await fleet.clock.advance(random.pick([0, 10, 300, 1000, 7000, 60_000]));
    }
    heal(fleet, world);
    await fleet.clock.advance(120_000);

    assertEquals(hosts.flatMap(({ faults }) => faults), []);
    for (const { host, checking } of hosts) {
      const { state, hearing, outbox, leases, waiting } = host.fleet.status();
      assertEquals({ state, hearing, leases, waiting, checking }, {
        ...{ state: "up", hearing: "open", leases: 0, waiting: 0, checking: 0 },
      });
      assertEquals([outbox.entries, outbox.octets, host.engine.pending], [0, 0, 0]);
    }
    // A push that follows an emptied engine may still be due.
    assert(fleet.clock.pending <= quiet + HOSTS, `${fleet.clock.pending} timers, ${quiet} before`);

    // Once all is well, one check at each host leads to what is published, with one fetch at most.
    for (const domain of DOMAINS) world.change(domain);
    const before = hosts.reduce((sum, { fetches }) => sum + fetches, 0);
    for (const domain of DOMAINS) {
      const checks = hosts.map((host) => host.query(domain));
      await fleet.clock.advance(8000);
      await Promise.all(checks);
      const answers = hosts.map((host) => host.answer(domain)?.text);
      assertEquals(answers, hosts.map(() => world.textOf(domain)));
    }
    assertEquals(hosts.reduce((sum, { fetches }) => sum + fetches, 0) - before, DOMAINS.length);
    await fleet.close();
    assertEquals(fleet.clock.pending, 0);
  });
}
