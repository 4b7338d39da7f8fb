/** That something cannot be read is never the same as that it is not there. */

import { assert, assertEquals } from "@std/assert";
import type { FetchOutcome } from "../../src/https/types.ts";
import { createFaultyStore, STORE_FAULT } from "../fakes/faulty_store.ts";
import { settle } from "../fakes/manual_clock.ts";
import type { ResolverSettings } from "../../src/resolver/types.ts";
import { createWorld, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAIN = "example.com";
const TXT = `TXT _mta-sts.${DOMAIN}`;
const ENFORCED = "OK secure match=mx.example.com servername=hostname";
const DEFER = { onDnsFailure: "defer" } as const;
const UNREADABLE = `TEMP cannot learn the MTA-STS policy of example.com: ${STORE_FAULT}`;

/** A world in which the policy of example.com is in the store, the memory empty and the record hidden. */
async function hidden(setUp: { settings?: Pick<ResolverSettings, "memory"> } = {}) {
  const store = createFaultyStore();
  const world = createWorld({ store, ...setUp });
  world.publish(DOMAIN);
  await world.resolve(DOMAIN);
  world.dns.table[TXT] = "nxdomain";
  world.restart();
  world.events.length = 0;
  return { world, store };
}

/** Has the policy be stored by a check that began before, as the last step of a fetch. */
function slowFetch(world: World): () => Promise<void> {
  world.publish(DOMAIN);
  const text = world.hosts[DOMAIN] as string;
  const { promise, resolve } = Promise.withResolvers<FetchOutcome>();
  world.hosts[DOMAIN] = promise;
  return async () => {
    resolve({ kind: "fetched", text, bytes: text.length });
    await settle();
  };
}

Deno.test("a store that cannot be read is answered as a DNS failure is, and never remembered", async () => {
  const { world, store } = await hidden();
  store.takeAway();
  assertEquals(await world.outcome(DOMAIN), "cache-unusable");
  const resolution = await world.resolve(DOMAIN);
  assertEquals(resolution.answer, { kind: "notfound" });
  assert(resolution.until <= world.clock.now(), "no reply is kept ready");
  assertEquals(await world.reply(DOMAIN, DEFER), UNREADABLE);
  const answers = world.events.filter((event) => event.kind === "answer");
  assertEquals(answers.map(({ storeFault }) => storeFault), Array(3).fill(STORE_FAULT));
  store.giveBack();
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("a policy is used as soon as it can be read, though nobody tells", async () => {
  const { world, store } = await hidden();
  const policy = world.stored(DOMAIN)!;
  store.remove(DOMAIN);
  assertEquals(await world.outcome(DOMAIN), "no-record");
  // As another process does it.
  store.slipIn(policy);
  world.dns.questions.length = 0;
  const resolution = await world.resolve(DOMAIN);
  assertEquals([resolution.outcome, resolution.answer.kind], ["rechecking", "secure"]);
});

Deno.test("the store is looked at once more when the lookups have ended", async () => {
  for (const txt of ["nxdomain", "servfail"] as const) {
    const { world, store } = await hidden();
    const policy = world.stored(DOMAIN)!;
    store.remove(DOMAIN);
    world.dns.table[TXT] = { reply: txt, delay: 1000 };
    const asked = world.reply(DOMAIN);
    await world.clock.advance(500);
    store.slipIn(policy);
    await world.clock.advance(500);
    assertEquals(await asked, ENFORCED);
  }
});

Deno.test("while the store cannot be read, DNS is asked no more often than otherwise", async () => {
  const { world, store } = await hidden();
  store.takeAway();
  for (let count = 0; count < 10; count++) await world.resolve(DOMAIN);
  assertEquals(world.dns.questions.filter((question) => question === TXT).length, 2);
  await world.clock.advance(5 * MINUTE);
  await world.resolve(DOMAIN);
  assertEquals(world.dns.questions.filter((question) => question === TXT).length, 3);
});

Deno.test("a policy is learned and used while the store cannot be read", async () => {
  const { world, store } = await hidden();
  store.takeAway();
  world.publish(DOMAIN, { id: "2" });
  assertEquals(await world.outcome(DOMAIN), "fetched");
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  store.giveBack();
  assertEquals(world.stored(DOMAIN)?.id, "2");
});

Deno.test("a policy held in memory needs no store", async () => {
  const { world, store } = await hidden();
  assertEquals(await world.reply(DOMAIN), ENFORCED);
  store.takeAway();
  assertEquals(await world.reply(DOMAIN, DEFER), ENFORCED);
});

Deno.test("answers without a policy end when the file comes back or another takes its place", async () => {
  const { world, store } = await hidden();
  const policy = world.stored(DOMAIN)!;
  store.remove(DOMAIN);
  const before = await world.resolve(DOMAIN);
  assert(before.token.valid && before.until > world.clock.now());
  store.slipIn(policy);
  store.giveBack();
  assertEquals(before.token.valid, false);
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("answers without a policy end when memory drops the domain", async () => {
  const { world, store } = await hidden({
    settings: { memory: { entries: 4, policyOctets: Infinity, viewOctets: Infinity } },
  });
  const policy = world.stored(DOMAIN)!;
  store.remove(DOMAIN);
  const before = await world.resolve(DOMAIN);
  for (let index = 0; index < 4; index++) await world.resolve(`other${index}.example`);
  assertEquals(before.token.valid, false);
  store.putPolicy(policy);
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("memory is bounded by octets: a huge policy comes from the store again, and its answers stay right", async () => {
  const huge = `${"m".repeat(60)}.`.repeat(3);
  const mx = Array.from({ length: 300 }, (_, number) => `${huge}${number}.example`);
  const memory = { entries: 1000, policyOctets: 200_000, viewOctets: 1_000_000 };
  const world = createWorld({ settings: { memory } });
  for (let index = 0; index < 20; index++) {
    const domain = `d${index}.example`;
    world.publish(domain, { mx: [...mx, `mx.${domain}`] });
    assertEquals(await world.outcome(domain), "fetched");
    // The next slice of checks begins.
    await world.clock.advance(20);
  }
  assert(world.resolver.memory().policies <= memory.policyOctets);
  assert(world.resolver.memory().views > 20 * 100);
  // The record is hidden from here on, so that only what is held can answer.
  for (let index = 0; index < 20; index++) {
    const domain = `d${index}.example`;
    world.dns.table[`TXT _mta-sts.${domain}`] = "nxdomain";
    assertEquals(await world.reply(domain), `OK secure match=mx.${domain} servername=hostname`);
  }
  assert(world.resolver.memory().policies <= memory.policyOctets);
});

Deno.test("a take-over during a first contact: what the old resolver stores ends the new one's answers", async () => {
  const world = createWorld({ store: createFaultyStore() });
  const arrive = slowFetch(world);
  const first = world.resolve(DOMAIN);
  await settle();
  world.takeOver();
  world.dns.table[TXT] = "nxdomain";
  const before = await world.resolve(DOMAIN);
  assertEquals([before.outcome, before.token.valid], ["no-record", true]);
  await arrive();
  assertEquals((await first).answer.kind, "secure");
  assertEquals(before.token.valid, false);
  assertEquals(await world.reply(DOMAIN), ENFORCED);
});

Deno.test("a take-over during a fetch: the new resolver goes over to the newer policy", async () => {
  const world = createWorld({ store: createFaultyStore() });
  world.publish(DOMAIN, { maxAge: 604_800 });
  await world.resolve(DOMAIN);
  await world.clock.advance(6 * MINUTE);
  const arrive = slowFetch(world);
  world.dns.table[TXT] = ["v=STSv1; id=2;"];
  await world.resolve(DOMAIN);
  await settle();
  world.takeOver();
  world.dns.table[TXT] = "nxdomain";
  const before = await world.resolve(DOMAIN);
  await arrive();
  assertEquals(before.token.valid, false);
  assertEquals(world.resolver.report(DOMAIN).held?.id, "2");
});

Deno.test("a resolver that is closed hears no more", async () => {
  const { world, store } = await hidden();
  const policy = world.stored(DOMAIN)!;
  store.remove(DOMAIN);
  const before = await world.resolve(DOMAIN);
  world.resolver.close();
  store.putPolicy(policy);
  assertEquals(before.token.valid, true);
});

Deno.test("a domain without a policy is never deferred by default, however long the store cannot be read", async () => {
  const world = createWorld({ store: createFaultyStore() });
  (world.store as ReturnType<typeof createFaultyStore>).takeAway();
  for (let hour = 0; hour < 48; hour++) {
    assertEquals(await world.reply("plain.example"), "NOTFOUND ");
    await world.clock.advance(60 * MINUTE);
  }
});
