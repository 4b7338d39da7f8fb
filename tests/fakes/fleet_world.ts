/**
 * Several hosts with real resolvers and real exchanges on one engine in memory, under one clock. What owners publish
 * is the same for all of them; what DNS and HTTPS keep from a host is the test's to say.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { ProvenClock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics, type Metrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { PolicyStore } from "../../src/cache/types.ts";
import { createExchange } from "../../src/fleet/exchange.ts";
import type { Mac } from "../../src/fleet/mac.ts";
import type { Fleet } from "../../src/fleet/status.ts";
import type { ResolverSettings } from "../../src/resolver/types.ts";
import type { FetchOutcome } from "../../src/https/types.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import { SETTINGS } from "../fleet/hosts.ts";
import type { FakeReply } from "./fake_dns.ts";
import { FakeEngine, FakeServer } from "./fake_engine.ts";
import { ManualClock, settle } from "./manual_clock.ts";
import { createRandom } from "./random.ts";
import { createWorld } from "./world.ts";
import type { PublishedPolicy, World } from "./world.ts";

/** How a host differs from the others. */
export interface FleetHostOptions {
  /** How far its clock is ahead, ms. @default {0} */
  readonly ahead?: number;
  /** What it kept from before. @default {A new one} */
  readonly store?: PolicyStore;
  /** @default {The number of hosts so far, and one} */
  readonly name?: string;
}

/** What all hosts have in common. */
export interface FleetWorldOptions {
  /** The secret of the fleet, if it has one. */
  readonly mac?: Mac | undefined;
  /** How long a fetch takes, ms. @default {100} */
  readonly fetchTime?: () => number;
  /** Settings of the resolvers. */
  readonly settings?: Partial<ResolverSettings>;
}

/** A host. */
export interface FleetHost {
  readonly name: string;
  readonly world: World;
  readonly fleet: Fleet;
  readonly engine: FakeEngine;
  readonly metrics: Metrics;
  /** How far its clock is ahead, ms. */
  readonly ahead: number;
  /** Domains whose policy hosts it cannot reach. */
  readonly unreachable: Set<string>;
  /** Ends its resolver and its exchange. */
  close(): Promise<void>;
}

/** A file that a policy host has served. */
export interface Served {
  readonly domain: string;
  readonly host: string;
  readonly text: string;
  /** When, ms of the test's clock. */
  readonly at: number;
}

/** The fleet. */
export class FleetWorld {
  readonly clock = new ManualClock();
  readonly server = new FakeServer(this.clock);
  /** Hosts that have not been closed. */
  readonly hosts: FleetHost[] = [];
  /** The policy files, by domain. */
  readonly files: Record<string, string> = {};
  /** What DNS says to all hosts that are added from now on; each has a table of its own. */
  readonly table: Record<string, FakeReply> = {};
  /** Every file served, in order. */
  readonly served: Served[] = [];
  readonly #options: FleetWorldOptions;
  #count = 0;

  /** Without hosts. */
  constructor(options: FleetWorldOptions = {}) {
    this.#options = options;
  }

  /** Adds a host, which connects as soon as time passes. */
  add(options: FleetHostOptions = {}): FleetHost {
    const number = ++this.#count;
    const { ahead = 0, name = `mx${number}.example`, store } = options;
    const { clock } = this;
    const time = skew(clock, ahead);
    const engine = new FakeEngine(this.server);
    const random = createRandom(number);
    const metrics = createMetrics();
    const kept = store ?? createMemoryStore({ maxEntries: 100_000 });
    const fleet = createExchange({
      ...{ engine, clock: time, metrics, mac: this.#options.mac, host: name, settings: SETTINGS },
      ...{ version: "1.0.0", nonce: `nonce-of-host-${number}`, timeout: 200, wait: 6000 },
      ...quiet(time),
      random: () => random.int(2 ** 32) / 2 ** 32,
      listOwn: (query) => kept.listPolicies(query),
    });
    const unreachable = new Set<string>();
    const world = createWorld({
      ...{ clock, time, fleet, store: kept, table: { ...this.table } },
      ...(this.#options.settings && { settings: this.#options.settings }),
      random: () => random.int(1000) / 1000,
      fetchPolicy: (domain) => this.#fetch(domain, { name, unreachable }),
    });
    const host: FleetHost = {
      ...{ name, world, fleet, engine, metrics, ahead, unreachable },
      close: async () => {
        this.hosts.splice(this.hosts.indexOf(host), 1);
        world.resolver.close();
        await Promise.all([fleet.close(), clock.advance(3000)]);
      },
    };
    this.hosts.push(host);
    return host;
  }

  /** Adds hosts, and has them connect. */
  async addAll(count: number): Promise<FleetHost[]> {
    const hosts = Array.from({ length: count }, () => this.add());
    await this.clock.advance(1000);
    return hosts;
  }

  /** Publishes a policy and its record; the MX hosts of the domain are `mx.` and `new.` below it, without DANE. */
  publish(domain: string, policy: Partial<PublishedPolicy> = {}): void {
    const { id = "1", mode = "enforce", mx = [`mx.${domain}`], maxAge = 604800 } = policy;
    this.files[domain] = formatPolicy({ mode, mx, maxAge });
    const hosts = [`mx.${domain}`, `new.${domain}`];
    const records = hosts.map((exchange) => ({ preference: 10, exchange }));
    this.setDns({
      [`TXT _mta-sts.${domain}`]: [`v=STSv1; id=${id};`],
      [`MX ${domain}`]: { records, secure: true },
      ...Object.fromEntries(hosts.map((host) => [`A ${host}`, ["192.0.2.1"]])),
    });
  }

  /** Changes DNS for all hosts. */
  setDns(answers: Record<string, FakeReply>): void {
    for (const table of [this.table, ...this.hosts.map(({ world }) => world.dns.table)]) {
      Object.assign(table, answers);
    }
  }

  /** Writes the policy of a domain into the engine and announces it, as whoever can write there may. */
  forge(domain: string, sealed: string): void {
    const now = this.server.now();
    const expiresAt = now + 365 * 86_400_000;
    this.server.entries.set(`p:${domain}`, { kind: "p", name: domain, sealed, at: now, expiresAt });
    this.server.broadcast(sealed);
  }

  /** How many files were served of domains that begin with `prefix`. */
  fetches(prefix = ""): number {
    return this.served.filter(({ domain }) => domain.startsWith(prefix)).length;
  }

  /** Ends all hosts. */
  async close(): Promise<void> {
    for (const host of [...this.hosts]) await host.close();
  }

  async #fetch(
    domain: string,
    { name: host, unreachable }: Pick<FleetHost, "name" | "unreachable">,
  ): Promise<FetchOutcome> {
    const ms = this.#options.fetchTime?.() ?? 100;
    await new Promise<void>((resolve) => void this.clock.setTimer(resolve, ms));
    const text = this.files[domain];
    if (unreachable.has(domain)) {
      return { kind: "failed", reason: "connect", detail: "connection refused" };
    }
    if (text === undefined) return { kind: "failed", reason: "status", detail: "HTTP status 404" };
    this.served.push({ domain, host, text, at: this.clock.now() });
    return { kind: "fetched", text, bytes: text.length };
  }
}

function quiet(clock: ProvenClock) {
  const log = createLog({ level: "error", format: "text", write() {}, now: () => clock.now() });
  return { log, warnings: createWarnings({ log, clock }) };
}

function skew(clock: ManualClock, ahead: number): ProvenClock {
  return {
    now: () => clock.now() + ahead,
    proven: () => clock.now() + ahead,
    setTimer: (callback, delay) => clock.setTimer(callback, delay),
  };
}

/** Queries of one host under way at once, as Postfix's processes ask. */
const AT_ONCE = 20;

/** Names of domains, `d0.example` and so on. */
export function namesOf(count: number, prefix = "d"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}.example`);
}

/** The reply for a domain whose policy names the host `mx.` below it. */
export function secure(domain: string): string {
  return `OK secure match=mx.${domain} servername=hostname`;
}

/** Asks for all domains, {@link AT_ONCE} at a time. @returns The replies by domain. */
export async function askAll(
  host: FleetHost,
  domains: readonly string[],
): Promise<Map<string, string>> {
  const replies = new Map<string, string>();
  const next = domains.values();
  const worker = async () => {
    for (const domain of next) replies.set(domain, await host.world.reply(domain));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return replies;
}

/** Moves on until a promise has settled. @returns How long that took, ms. */
export async function passUntil<T>(
  { clock }: FleetWorld,
  promise: Promise<T>,
  limit: number,
): Promise<[T, number]> {
  const start = clock.now();
  let result: { value: T } | undefined;
  void promise.then((value) => result = { value });
  await settle();
  while (result === undefined) {
    assert(clock.now() - start <= limit, `not done after ${limit} ms`);
    await clock.advance(5);
  }
  return [result.value, clock.now() - start];
}
