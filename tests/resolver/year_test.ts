/**
 * A year of virtual time for a thousand domains. Owners, DNS, policy hosts, the cache file, the wall clock,
 * the operator and the validation of DNSSEC change at random; each answer is compared with a small model
 * written from RFC 8461 §2, §3 and §5.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createClock } from "../../src/base/clock.ts";
import type { Outcome } from "../../src/resolver/outcome.ts";
import { createFaultyStore, STORE_FAULT } from "../fakes/faulty_store.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import { createRandom } from "../fakes/random.ts";
import type { Random } from "../fakes/random.ts";
import { createWorld, DAY, HOUR, MINUTE } from "../fakes/world.ts";
import type { World } from "../fakes/world.ts";
import { DaneYear } from "./year_dane.ts";

const DOMAINS = 1000;
/** Visits of a domain in the year; between two of them its owner or the network may change something. */
const VISITS = 60;

/** Outcomes without a policy. */
const UNHELD: readonly Outcome[] = [
  "fetch-failed",
  "no-record",
  "dns-failure",
  "cache-unusable",
  "deadline",
];

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

/** The longest time for which a jump of the clock is not believed, ms. */
const DOUBT_MS = 10 * MINUTE;

/**
 * A wall clock that jumps as chance will have it, and the time that a daemon should see. The hands count what
 * has really passed while the machine was awake.
 */
class Clocks {
  readonly hands = new ManualClock();
  readonly time;
  jumps = 0;
  /** How far the wall clock is from right, ms. */
  #error = 0;
  /** Time asleep, known to the wall clock only, ms; and what of it is believed. */
  #asleep = 0;
  #believed = 0;
  #since = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    const { hands } = this;
    const start = hands.now();
    this.time = createClock({
      wall: () => hands.now() + this.#asleep + this.#error,
      monotonic: () => hands.now() - start,
      startTimer: (callback, delay) => hands.setTimer(callback, delay),
    });
  }

  /** The time by the model: what was slept through counts when it has lasted. */
  expected(): number {
    if (this.#error === 0 && this.hands.now() - this.#since >= DOUBT_MS) {
      this.#believed = this.#asleep;
    }
    return this.hands.now() + this.#believed;
  }

  /** Believes what has lasted until now, in the model and in the daemon, before the clock changes again. */
  #settle(): void {
    this.expected();
    this.time.now();
  }

  /** Lets something happen to the clock, or puts it right. */
  stir(): void {
    const random = this.#random;
    this.#settle();
    this.jumps++;
    if (this.#error !== 0) this.#error = 0;
    else {
      [
        // Forward, to be put right within minutes; back, for as long as it may be; asleep.
        () => this.#error = HOUR + random.int(10 * 365) * DAY,
        () => this.#error = -(HOUR + random.int(365) * DAY),
        () => this.#asleep += HOUR + random.int(12) * HOUR,
      ][random.int(3)]!();
    }
    this.#since = this.hands.now();
    this.time.now();
  }

  /** Puts a clock right that is ahead: nobody is to believe it. */
  correct(): void {
    if (this.#error <= 0) return;
    this.#settle();
    this.#error = 0;
    this.#since = this.hands.now();
    this.time.now();
  }
}

Deno.test("a year of random outcomes never differs from the model (RFC 8461 §3, §5)", async () => {
  const random = createRandom(8461);
  const clocks = new Clocks(random);
  const store = createFaultyStore();
  const dane = new DaneYear(random);
  const world = createWorld({
    settings: { memory: { entries: 300, policyOctets: Infinity, viewOctets: Infinity } },
    table: dane.table,
    random: () => random.int(1000) / 1000,
    clock: clocks.hands,
    time: clocks.time,
    store,
  });
  const outsides = new Map<string, Outside>();
  const models = new Map<string, Model>();
  let serial = 0;
  let isGone = false;
  const answers = {
    enforced: 0,
    either: 0,
    notfound: 0,
    temp: 0,
    kept: 0,
    unreadable: 0,
    takeOvers: 0,
  };

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

  function modelOf(domain: string): Model {
    const model = models.get(domain) ?? new Model();
    models.set(domain, model);
    return model;
  }

  /**
   * Notes what was adopted, which must be what the host serves now, under the id seen or held.
   *
   * @param hiddenId The id held by a resolver that was not shown the record.
   */
  function note(domain: string, heldId: string | undefined, hiddenId?: string): void {
    for (const event of world.events) {
      if (event.kind !== "policy") continue;
      assertEquals(event.held.domain, domain);
      const { record, host } = outsides.get(domain) as Outside;
      assert(typeof host === "object", `${domain}: adopted a policy that nobody serves`);
      const ids = typeof record === "object" ? [record.id, hiddenId] : [heldId];
      assert(ids.includes(event.held.id), `${domain}: adopted under another id`);
      modelOf(domain).fetched(event.held.id, host, event.held.fetchedAt);
    }
  }

  /** What happens to the daemon itself between two visits. */
  function stir(): void {
    if (random.int(50) === 0) world.restart();
    if (random.int(isGone ? 5 : 100) === 0) {
      if (isGone) store.giveBack();
      else store.takeAway();
      isGone = !isGone;
    }
    if (random.int(40) === 0) clocks.stir();
    if (random.int(40) === 0) dane.stir(world);
  }

  /** A visit with a take-over while its check is under way: the next resolver knows what came of it. */
  async function visitAcross(domain: string): Promise<void> {
    const heldId = modelOf(domain).live(clocks.expected())?.id;
    const name = `TXT _mta-sts.${domain}`;
    const reply = world.dns.table[name] ?? "nxdomain";
    const { promise, resolve } = Promise.withResolvers<Awaited<typeof reply>>();
    world.dns.table[name] = promise as typeof reply;
    world.events.length = 0;
    const asked = world.resolve(domain);
    await settle();
    const old = world.resolver;
    world.takeOver();
    world.dns.table[name] = "nxdomain";
    // The new one looks, and finds nothing but what is stored.
    await world.resolve(domain);
    resolve(await reply as never);
    await asked;
    await settle();
    old.close();
    world.dns.table[name] = reply;
    note(domain, heldId, heldId);
    dane.note({ domain, now: clocks.expected(), isGone }, world);
    answers.takeOvers++;
  }

  async function visit(domain: string): Promise<void> {
    const model = modelOf(domain);
    if (random.int(3) > 0) {
      const outside = chance(domain);
      outsides.set(domain, outside);
      applyOutside(world, domain, outside);
    }
    if (random.int(4) === 0) dane.change(domain);
    stir();
    if (outsides.has(domain) && random.int(30) === 0) await visitAcross(domain);
    let before = model.live(clocks.expected());
    assertEquals(clocks.time.now(), clocks.expected());
    world.events.length = 0;
    const onDnsFailure = random.pick(["deliver", "defer"] as const);
    const zone = {
      onDnsFailure,
      dane: random.pick(["auto", "auto", "auto", "auto", "require", "off"] as const),
    };
    const { answer, outcome, until } = await world.resolve(domain, zone);
    await world.clock.advance(0);
    note(domain, before?.id);
    const now = clocks.expected();
    const unreadable = world.events.some((event) =>
      event.kind === "answer" && event.storeFault === STORE_FAULT
    );
    if (unreadable) {
      // Only what memory has dropped cannot be known; then nobody may say that there is no policy.
      assert(isGone);
      assertEquals([outcome, until], ["cache-unusable", 0]);
      assertEquals(answer.kind, onDnsFailure === "defer" ? "temp" : "notfound");
      dane.note({ domain, now, isGone }, world);
      answers.unreadable++;
      return;
    }
    // One that could not be read was replaced by what its owner serves now.
    if (isGone && outcome === "fetched") before = undefined;
    // A held policy answers; a fetch in the background counts from the next query on.
    const basis = before ?? model.held;
    const fresh = before === undefined && model.held?.fetchedAt === now &&
      world.events.some((event) => event.kind === "policy");
    const isEnforced = basis?.mode === "enforce" && (before !== undefined || fresh);
    const undecided = !isEnforced && (outcome === "dns-failure" || outcome === "deadline") &&
      onDnsFailure === "defer";
    const where = `${domain} at ${new Date(now).toISOString()}`;
    if (isEnforced) {
      const look = { domain, now, dane: zone.dane, isGone };
      const allowed = dane.allowed(look, world);
      assert(allowed.has(answer.kind), `${where}: ${answer.kind}, not ${[...allowed]}`);
      dane.judge(look, answer.kind);
      answers.enforced++;
      if (allowed.size > 1) answers.either++;
    } else {
      const expected = undecided ? "temp" : "notfound";
      assertEquals(answer.kind, expected, where);
      // The MX hosts of a new policy are looked up before its mode is known.
      dane.note({ domain, now, isGone }, world);
      answers[expected]++;
    }
    if (UNHELD.includes(outcome)) {
      assert(before === undefined, `${domain}: ${outcome} with a policy held`);
    }
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
      const ms = random.pick([MINUTE, 6 * MINUTE, HOUR / 2]);
      if (ms > MINUTE) clocks.correct();
      await world.clock.advance(ms);
      await visit(domain);
    }
    clocks.correct();
    await world.clock.advance(pause);
  }
  const { enforced, notfound, kept, temp, unreadable, takeOvers } = answers;
  const said = JSON.stringify({ ...answers, jumps: clocks.jumps, dane: dane.counts });
  assert(enforced > 5000 && notfound > 5000 && kept > 500, said);
  assert(temp > 500 && unreadable > 500 && takeOvers > 500 && clocks.jumps > 500, said);
  const { changes, daneOnly, heldDane, secure, blind, required, off } = dane.counts;
  assert(changes > 1000 && daneOnly > 2000 && heldDane > 200, said);
  assert(secure > 5000 && blind > 1000 && dane.counts.temp > 2000 && required > 1000, said);
  // A view near the end of its day or of its life may be either in memory or lost.
  assert(off > 2000 && answers.either < 100, said);
});
