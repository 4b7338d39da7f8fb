/**
 * Days of a fleet under faults and attacks by chance. Owners, DNS and HTTPS of each host, the engine, each link to it,
 * and whoever can write there do what chance says; hosts are replaced by new ones. No answer may be weaker than what
 * the host holds, or than what the fleet knows where it can be asked.
 */

import { assert, assertEquals } from "@std/assert";
import { openEntry, sealFact } from "../../src/fleet/entry.ts";
import type { Mac } from "../../src/fleet/mac.ts";
import type { Outcome } from "../../src/resolver/outcome.ts";
import type { HeldPolicy, Resolution } from "../../src/resolver/types.ts";
import { macOf, SETTINGS } from "../fleet/hosts.ts";
import { FleetWorld } from "../fakes/fleet_world.ts";
import type { FleetHost } from "../fakes/fleet_world.ts";
import { settle } from "../fakes/manual_clock.ts";
import { createRandom } from "../fakes/random.ts";
import type { Random } from "../fakes/random.ts";
import { DAY, HOUR, MINUTE } from "../fakes/world.ts";

const HOSTS = 4;
const DOMAINS = 20;
const STEPS = 2000;

/** By then a link that was down is in use again, ms. */
const RECOVERY_MS = 30_000;

/** By then a host that heard nothing, without knowing, has asked again about what it took for absent, ms. */
const DEAF_RECOVERY_MS = 6 * MINUTE;

/** The longest wait of a query, ms. */
const TIMEOUT_MS = 10_000;

const UNHELD: readonly Outcome[] = [
  "fetch-failed",
  "no-record",
  "dns-failure",
  "cache-unusable",
  "deadline",
];

const MODES = ["enforce", "enforce", "testing", "none"] as const;

/** What chance does, and what was seen of it. */
class Days {
  readonly fleet: FleetWorld;
  readonly counts = { held: 0, shared: 0, unheld: 0, known: 0, downgrades: 0, forged: 0 };
  readonly #random: Random;
  readonly #mac: Mac | undefined;
  /** What was in the engine at any time, to be replayed. */
  readonly #seen = new Map<string, string[]>();
  /** Until when each host may not know what the engine knows, ms. */
  readonly #excused = new Map<FleetHost, number>();
  /** What each host held when it was asked last. */
  readonly #held = new Map<FleetHost, Map<string, HeldPolicy>>();
  #serial = 0;

  constructor(seed: number, mac: Mac | undefined) {
    this.#random = createRandom(seed);
    this.#mac = mac;
    const settings = { refresh: { interval: HOUR, forgetAfter: DAY } };
    this.fleet = new FleetWorld({ mac, settings, fetchTime: () => 20 + this.#random.int(3000) });
  }

  async run(): Promise<void> {
    const { fleet } = this;
    for (let index = 0; index < DOMAINS; index++) this.#changeOwner(`d${index}.example`);
    await fleet.addAll(HOSTS);
    for (let step = 0; step < STEPS; step++) {
      await this.#stir();
      this.#refresh();
      for (let visits = this.#random.int(4); visits > 0; visits--) {
        await this.#visit(this.#random.pick(fleet.hosts), this.#domain());
      }
      await fleet.clock.advance(this.#random.pick([0, 1000, 10_000, MINUTE, 3 * MINUTE]));
    }
    fleet.server.set("up");
    await fleet.close();
  }

  #domain(): string {
    return `d${this.#random.int(DOMAINS)}.example`;
  }

  #changeOwner(domain: string): void {
    const random = this.#random;
    const id = random.int(5) === 0 ? `${this.#serial}` : `${++this.#serial}`;
    const maxAge = random.pick([600, 3600, 4 * 3600]);
    this.fleet.publish(domain, { id, mode: random.pick(MODES), maxAge });
  }

  async #stir(): Promise<void> {
    const { fleet } = this;
    const random = this.#random;
    const domain = this.#domain();
    const host = random.pick(fleet.hosts);
    const txt = `TXT _mta-sts.${domain}`;
    await random.pick([
      () => this.#changeOwner(domain),
      () => void delete fleet.files[domain],
      () => fleet.setDns({ [txt]: random.pick(["nxdomain", "servfail"] as const) }),
      () => {
        host.world.dns.table[txt] = random.pick([
          "nxdomain",
          "servfail",
          { reply: "timeout", delay: 20_000 },
          fleet.table[txt] ?? "nxdomain",
        ]);
      },
      () => void host.unreachable.add(domain),
      () => host.unreachable.clear(),
      () => this.#disturb(host),
      () => this.#disturbAll(),
      () => this.#write(domain),
      () => this.#write(domain),
      () => this.#replace(host),
      () => {},
    ])();
    for (const [key, { name, sealed }] of fleet.server.entries) {
      const seen = this.#seen.get(name) ?? [];
      if (key.startsWith("p:") && !seen.includes(sealed)) this.#seen.set(name, [...seen, sealed]);
    }
  }

  #disturb(host: FleetHost): void {
    const random = this.#random;
    const { faults } = host.engine;
    const wasDeaf = faults.isDeaf;
    faults.state = random.pick(["up", "up", "down", "hung"]);
    faults.isDeaf = random.int(4) === 0;
    faults.isReadOnly = random.int(4) === 0;
    faults.delay = random.pick([0, 0, 50, 500]);
    this.#excuse(host, wasDeaf ? DEAF_RECOVERY_MS : RECOVERY_MS);
  }

  #disturbAll(): void {
    const { fleet } = this;
    const random = this.#random;
    fleet.server.set(random.pick(["up", "up", "up", "down", "hung"]));
    fleet.server.faults.isReadOnly = random.int(8) === 0;
    if (random.int(8) === 0) fleet.server.empty();
    for (const host of fleet.hosts) this.#excuse(host, RECOVERY_MS);
  }

  #excuse(host: FleetHost, ms: number): void {
    const until = this.fleet.clock.now() + ms;
    this.#excused.set(host, Math.max(until, this.#excused.get(host) ?? 0));
  }

  /** Somebody else writes into the engine. */
  #write(domain: string): void {
    const { fleet } = this;
    const random = this.#random;
    const at = fleet.clock.now() + random.pick([0, -HOUR, 30_000]);
    const policy = {
      ...{ domain, id: `${this.#serial - random.int(2)}`, fetchedAt: at, expiresAt: at + DAY },
      text: "version: STSv1\nmode: none\nmax_age: 86400\n",
    };
    const seal = { mac: undefined, host: "evil.example", settings: SETTINGS };
    const sealed = random.pick([
      () => sealFact({ kind: "p", policy }, 0, seal) ?? "",
      // A replay, or an entry under another domain.
      () => random.pick(this.#seen.get(random.int(4) === 0 ? this.#domain() : domain) ?? [""]),
      () => "x".repeat(random.int(1000)),
    ])();
    this.counts.forged++;
    if (random.int(5) === 0) fleet.server.entries.delete(`p:${domain}`);
    else fleet.forge(domain, sealed);
  }

  async #replace(host: FleetHost): Promise<void> {
    if (this.#random.int(4) > 0) return;
    await host.close();
    const isKept = this.#random.int(3) === 0;
    const fresh = this.fleet.add({ name: host.name, ...(isKept && { store: host.world.store }) });
    const held = this.#held.get(host);
    if (isKept && held !== undefined) this.#held.set(fresh, held);
    this.#excuse(fresh, RECOVERY_MS);
  }

  /** What the refresher does, without its timers. */
  #refresh(): void {
    for (const { world } of this.fleet.hosts) {
      const now = this.fleet.clock.now();
      const query = { due: now, alive: now, farthest: Infinity, usedSince: 0, limit: 4 };
      for (const domain of world.store.listDue(query)) void world.resolver.check(domain);
    }
  }

  async #visit(host: FleetHost, domain: string): Promise<void> {
    const { world, name } = host;
    const { clock } = this.fleet;
    const where = `${domain} at ${name}, ${new Date(clock.now()).toISOString()}`;
    const before = world.resolver.report(domain).held;
    const isKnown = this.#knows(host, domain);
    this.#judgeHeld(host, before, where);
    const started = clock.now();
    const { outcome, answer, mode } = await this.#ask(host, domain);
    const isLive = before !== undefined && before.expiresAt > clock.now();
    if (isLive) {
      assert(!UNHELD.includes(outcome), `${where}: ${outcome} with a policy held`);
      this.counts.held++;
    }
    if (isKnown && before === undefined && clock.now() - started < 1000) {
      assert(!UNHELD.includes(outcome), `${where}: ${outcome}, and the fleet knows a policy`);
      this.counts.known++;
    }
    // None of these domains has DANE, or MX hosts that are not in the policy.
    const isEnforced = mode === "enforce";
    assertEquals(answer.kind, isEnforced ? "secure" : "notfound", where);
    if (outcome === "shared") this.counts.shared++;
    if (UNHELD.includes(outcome)) this.counts.unheld++;
    const { held } = world.resolver.report(domain);
    if (this.#mac !== undefined || before === undefined || !isLive) {
      this.#judgeHeld(host, held, where);
    } else if (held !== undefined && this.#isServed(before, Infinity)) {
      // Without a secret, a first contact may be fooled; what was held before is not replaced by a forgery.
      assert(this.#isServed(held, Infinity), `${where}: a forgery in the place of a held policy`);
    }
  }

  async #ask({ world }: FleetHost, domain: string): Promise<Resolution> {
    const { clock } = this.fleet;
    const start = clock.now();
    let result: Resolution | undefined;
    void Promise.resolve(world.resolve(domain)).then((resolution) => result = resolution);
    await settle();
    while (result === undefined) {
      assert(clock.now() - start <= TIMEOUT_MS, `${domain}: no answer in time`);
      await clock.advance(20);
    }
    return result;
  }

  /** Whether the engine has a policy of the domain that the host can read and must believe. */
  #knows(host: FleetHost, domain: string): boolean {
    const { server, clock } = this.fleet;
    const now = clock.now();
    const { faults } = host.engine;
    const isWell = server.faults.state === "up" && faults.state === "up" && !faults.isDeaf &&
      faults.delay < 100 && now > (this.#excused.get(host) ?? 0);
    const sealed = server.entries.get(`p:${domain}`)?.sealed;
    if (!isWell || sealed === undefined || this.#mac === undefined) return false;
    const reading = openEntry(sealed, { now, offset: 0 }, {
      ...{ mac: this.#mac, settings: SETTINGS, key: { kind: "p", name: domain } },
    });
    // What the host itself has seen replaced does not come back.
    const last = host.world.stored(domain)?.fetchedAt ?? 0;
    return reading.kind === "p" && reading.policy.expiresAt > now + TIMEOUT_MS &&
      reading.policy.fetchedAt > last;
  }

  /** What is held was served by the owner, lives no longer than it may, and is no older than what was held before. */
  #judgeHeld(host: FleetHost, held: HeldPolicy | undefined, where: string): void {
    const known = this.#held.get(host) ?? new Map<string, HeldPolicy>();
    this.#held.set(host, known);
    if (held === undefined) return;
    if (this.#mac !== undefined) {
      assert(this.#isServed(held, held.expiresAt), `${where}: nobody served ${held.text}`);
    }
    const last = known.get(held.domain);
    if (last !== undefined && last.expiresAt > this.fleet.clock.now()) {
      assert(held.fetchedAt >= last.fetchedAt, `${where}: older than what was held`);
      if (last.policy.mode === "enforce" && held.policy.mode === "none") this.counts.downgrades++;
    }
    known.set(held.domain, held);
  }

  /** Whether the owner has served the text late enough to be used until `end`, ms. */
  #isServed({ domain, text, policy }: HeldPolicy, end: number): boolean {
    return this.fleet.served.some((file) =>
      file.domain === domain && file.text === text &&
      (end === Infinity || file.at + policy.maxAge * 1000 + 60_000 >= end)
    );
  }
}

for (const [word, seed] of [["signed", 7], ["without a secret", 8]] as const) {
  Deno.test(`days of a fleet by chance, ${word}: no answer is weaker than what is known`, async () => {
    const days = new Days(seed, word === "signed" ? await macOf(1) : undefined);
    await days.run();
    const { held, shared, unheld, known, downgrades, forged } = days.counts;
    const said = JSON.stringify(days.counts);
    assert(held > 800 && shared > 20 && unheld > 100 && forged > 200 && downgrades > 0, said);
    assert(word !== "signed" || known > 20, said);
  });
}
