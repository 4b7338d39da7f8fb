/**
 * A resolver in a world of tables: DNS, policy hosts and the clock are the test's to change.
 *
 * @module
 */

import { GenerationalMap } from "../../src/base/generational_map.ts";
import { createMemoryStore } from "../../src/cache/memory_store.ts";
import type { PolicyStore, StoredPolicy } from "../../src/cache/types.ts";
import type { Zone } from "../../src/config/types.ts";
import type { Exchange } from "../../src/fleet/types.ts";
import type { FetchOutcome } from "../../src/https/types.ts";
import { formatAnswer } from "../../src/postfix/tls_policy.ts";
import { createResolver } from "../../src/resolver/resolver.ts";
import type { ProvenClock } from "../../src/base/clock.ts";
import type { Outcome } from "../../src/resolver/outcome.ts";
import type { Resolver } from "../../src/resolver/resolver.ts";
import type { Resolution, ResolverEvent, ResolverSettings } from "../../src/resolver/types.ts";
import { formatPolicy } from "../../src/sts/policy.ts";
import type { PolicyMode } from "../../src/sts/policy.ts";
import { createFakeDns } from "./fake_dns.ts";
import type { FakeDns, FakeReply } from "./fake_dns.ts";
import { ManualClock } from "./manual_clock.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What a policy host does: a body, a failure, or a promise of either. */
export type FakeHost = string | FetchOutcome | Promise<FetchOutcome>;

export const ZONE: Zone = {
  name: "default",
  strictTesting: false,
  timeout: 10_000,
  requireSni: true,
  tlsrpt: false,
  dane: "auto",
  onDnsFailure: "deliver",
  matchLimit: undefined,
};

export const SETTINGS: ResolverSettings = {
  recheck: 5 * MINUTE,
  negativeTtl: 5 * MINUTE,
  refresh: { interval: DAY, forgetAfter: 180 * DAY },
  discoveries: 256,
  memory: { entries: 1000, policyOctets: Infinity, viewOctets: Infinity },
  dane: true,
};

/** The world. */
export interface World {
  readonly clock: ManualClock;
  readonly dns: FakeDns;
  /** Policy hosts by domain; what is not there cannot be connected to. */
  readonly hosts: Record<string, FakeHost>;
  /** Domains fetched, in order. */
  readonly fetches: string[];
  /** Domains whose fetch was prepared, in order. */
  readonly prepared: string[];
  readonly store: PolicyStore;
  /** The policy that the store has of a domain. */
  stored(domain: string): StoredPolicy | undefined;
  readonly events: ResolverEvent[];
  readonly resolver: Resolver;
  /** What the self-test of the DNS resolver said. */
  dnssec: boolean | undefined;
  /** Publishes a record, a policy and an MX host for a domain. */
  publish(domain: string, policy?: Partial<PublishedPolicy>): void;
  /** Resolves a domain and returns the outcome. */
  outcome(domain: string, zone?: Partial<Zone>): Promise<Outcome>;
  /** Resolves a domain and returns the reply Postfix would get. */
  reply(domain: string, zone?: Partial<Zone>): Promise<string>;
  resolve(domain: string, zone?: Partial<Zone>): Resolution | Promise<Resolution>;
  /** A new resolver on the same store, as after a restart. */
  restart(): void;
  /** The same while the old one goes on with what it has begun, as after a HUP. */
  takeOver(): void;
}

/** What {@link World.publish} puts into the tables. */
export interface PublishedPolicy {
  readonly id: string;
  readonly mode: PolicyMode;
  readonly mx: readonly string[];
  readonly maxAge: number;
}

/** Creates a world with nothing in it. */
export function createWorld(
  options: {
    settings?: Partial<ResolverSettings>;
    table?: Record<string, FakeReply>;
    store?: PolicyStore;
    clock?: ManualClock;
    /** What the resolver takes for the time; the clock as a rule. */
    time?: ProvenClock;
    random?: () => number;
    /** What other hosts know; this host is alone without it. */
    fleet?: Exchange;
    /** In the place of the policy hosts of the table. */
    fetchPolicy?: (domain: string, world: World, turn: number) => Promise<FetchOutcome>;
  } = {},
): World {
  const clock = options.clock ?? new ManualClock();
  const time = options.time ?? clock;
  const settings = { ...SETTINGS, ...options.settings };
  const store = options.store ?? createMemoryStore({ maxEntries: 100_000 });
  const hosts: Record<string, FakeHost> = {};
  const world = {
    clock,
    hosts,
    store,
    dns: createFakeDns(options.table, { clock }),
    fetches: [] as string[],
    prepared: [] as string[],
    events: [] as ResolverEvent[],
    dnssec: true as boolean | undefined,
    resolver: undefined as unknown as Resolver,
    publish,
    resolve,
    outcome: async (domain: string, zone?: Partial<Zone>) => (await resolve(domain, zone)).outcome,
    async reply(domain: string, zone: Partial<Zone> = {}): Promise<string> {
      return formatAnswer((await resolve(domain, zone)).answer, { ...ZONE, ...zone });
    },
    stored(domain: string): StoredPolicy | undefined {
      const found = store.getPolicy(domain);
      return found.kind === "found" ? found.policy : undefined;
    },
    restart(): void {
      (world.resolver as Resolver | undefined)?.close();
      world.takeOver();
    },
    takeOver(): void {
      world.resolver = createResolver(settings, {
        dns: world.dns,
        fetchPolicy,
        store,
        fleet: options.fleet,
        clock: time,
        observe: (event) => world.events.push(event),
        dnssec: () => world.dnssec,
        random: options.random ?? (() => 0.5),
        createMap: (entries, options) => new GenerationalMap(entries, options),
      });
    },
  };

  async function fetchPolicy(
    domain: string,
    { turn = 0 }: { turn?: number } = {},
  ): Promise<FetchOutcome> {
    world.fetches.push(domain);
    if (options.fetchPolicy !== undefined) return await options.fetchPolicy(domain, world, turn);
    const host = await (hosts[domain] ??
      { kind: "failed", reason: "connect", detail: "connection refused" } as const);
    return typeof host === "string" ? { kind: "fetched", text: host, bytes: host.length } : host;
  }

  fetchPolicy.prepare = (domain: string) => void world.prepared.push(domain);

  function publish(domain: string, policy: Partial<PublishedPolicy> = {}): void {
    const { id = "1", mode = "enforce", mx = [`mx.${domain}`], maxAge = 604800 } = policy;
    world.dns.table[`TXT _mta-sts.${domain}`] = [`v=STSv1; id=${id};`];
    world.dns.table[`MX ${domain}`] ??= [{ preference: 10, exchange: `mx.${domain}` }];
    hosts[domain] = formatPolicy({ mode, mx, maxAge });
  }

  function resolve(domain: string, zone: Partial<Zone> = {}) {
    const nextHop = { domain, bracketed: false, port: 25 };
    return world.resolver.resolve(nextHop, { ...ZONE, ...zone });
  }

  world.restart();
  return world;
}
