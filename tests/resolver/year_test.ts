/**
 * A year of virtual time for a thousand domains whose owners, DNS and policy hosts do as chance
 * will have it, each answer compared with a small model written from RFC 8461 §3 and §5.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createRandom } from "../fakes/random.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";

const DOMAINS = 1000;
/** Visits of a domain in the year; between two of them its owner or the network may change something. */
const VISITS = 60;

type Mode = "enforce" | "testing" | "none";

/** A domain as its owner and the network have it now. */
interface Outside {
  record: { id: string } | "absent" | "several" | "invalid" | "servfail" | "timeout";
  host: { mode: Mode; maxAge: number } | "dead" | "invalid";
}

/**
 * The model: what a sender that never weakens may hold. It knows times and outcomes only, not how
 * the resolver goes about it.
 */
class Model {
  held: { id: string; mode: Mode; fetchedAt: number; expiresAt: number } | undefined;

  /** The answer must rest on the held policy while it lives (§3.3, §5.1), and never after. */
  live(now: number) {
    return this.held !== undefined && now < this.held.expiresAt ? this.held : undefined;
  }

  fetched(id: string, policy: { mode: Mode; maxAge: number }, now: number): void {
    this.held = {
      id,
      mode: policy.mode,
      fetchedAt: now,
      expiresAt: now + Math.min(policy.maxAge, 31557600) * 1000,
    };
  }
}

function applyOutside(world: World, domain: string, outside: Outside): void {
  const { record, host } = outside;
  world.publish(domain, {
    id: typeof record === "object" ? record.id : "x",
    ...(typeof host === "object" ? host : {}),
  });
  const name = `TXT _mta-sts.${domain}`;
  if (record === "absent") world.dns.table[name] = "nxdomain";
  else if (record === "several") world.dns.table[name] = ["v=STSv1; id=1;", "v=STSv1; id=2;"];
  else if (record === "invalid") world.dns.table[name] = ["v=STSv1; id=not-valid;"];
  else if (typeof record === "string") world.dns.table[name] = record;
  if (host === "dead") delete world.hosts[domain];
  else if (host === "invalid") world.hosts[domain] = "version: STSv1\nmode: enforce\n";
}

Deno.test("a year of random outcomes never differs from the model (RFC 8461 §3, §5)", async () => {
  const random = createRandom(8461);
  const world = createWorld({
    settings: { memoryEntries: 300 },
    random: () => random.int(1000) / 1000,
  });
  const outsides = new Map<string, Outside>();
  const models = new Map<string, Model>();
  let serial = 0;
  const answers = { secure: 0, notfound: 0, kept: 0 };

  function chance(domain: string): Outside {
    const before = outsides.get(domain);
    const record = random.pick([
      () => before?.record ?? "absent",
      () => before?.record ?? "absent",
      () => ({ id: `id${++serial}` }),
      () => ({ id: `id${++serial}` }),
      () => random.pick(["absent", "several", "invalid", "servfail", "timeout"] as const),
    ])();
    const host = random.pick([
      () => before?.host ?? "dead",
      () => ({
        mode: random.pick(["enforce", "enforce", "testing", "none"] as const),
        maxAge: random.pick([0, 60, 3600, 86400, 604800, 31557600, 99999999]),
      }),
      () => random.pick(["dead", "invalid"] as const),
    ])();
    return { record, host };
  }

  async function visit(domain: string): Promise<void> {
    const model = models.get(domain) ?? new Model();
    models.set(domain, model);
    if (random.int(3) > 0) {
      const outside = chance(domain);
      outsides.set(domain, outside);
      applyOutside(world, domain, outside);
    }
    if (random.int(50) === 0) world.restart();
    const before = model.live(world.clock.now());
    world.events.length = 0;
    const { answer } = await world.resolve(domain);
    await world.clock.advance(0);
    for (const event of world.events) {
      if (event.kind !== "policy") continue;
      // Whatever it adopts must be what the host serves now, under the id seen or held.
      const { record, host } = outsides.get(domain) as Outside;
      assert(typeof host === "object", `${domain}: adopted a policy that nobody serves`);
      assertEquals(event.held.id, typeof record === "object" ? record.id : before?.id);
      model.fetched(event.held.id, host, event.held.fetchedAt);
    }
    const now = world.clock.now();
    // A held policy answers; a fetch in the background counts from the next query on.
    const basis = before ?? model.held;
    const fresh = before === undefined && model.held?.fetchedAt === now;
    const expected = basis !== undefined && (before !== undefined || fresh) &&
        basis.mode === "enforce"
      ? "secure"
      : "notfound";
    assertEquals(answer.kind, expected, `${domain} at ${new Date(now).toISOString()}`);
    answers[expected]++;
    if (before !== undefined && world.events.some((event) => event.kind === "kept")) answers.kept++;
    const { held } = world.resolver.report(domain);
    assertEquals(held?.id, model.live(now)?.id, `${domain}: held`);
    assertEquals(held?.expiresAt, model.live(now)?.expiresAt, `${domain}: expiry`);
  }

  const pause = (365 * DAY) / (DOMAINS * VISITS);
  for (let count = 0; count < DOMAINS * VISITS; count++) {
    // Visits cluster: a domain is often asked again within minutes, hours or days.
    const domain = `d${random.pick([random.int(DOMAINS), random.int(50)])}.example`;
    await visit(domain);
    if (random.int(4) === 0) {
      await world.clock.advance(random.pick([MINUTE, 6 * MINUTE, HOUR / 2]));
      await visit(domain);
    }
    await world.clock.advance(pause);
  }
  assert(answers.secure > 5000 && answers.notfound > 5000 && answers.kept > 500, `${answers}`);
});
