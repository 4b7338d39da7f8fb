/**
 * Hosts of a fleet on one engine in memory, under one clock: each with an exchange, a link, and what it holds.
 *
 * @module
 */

import type { Clock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { createMetrics, type Metrics } from "../../src/base/metrics.ts";
import { createWarnings } from "../../src/base/warnings.ts";
import { createExchange } from "../../src/fleet/exchange.ts";
import { createMac, type Mac } from "../../src/fleet/mac.ts";
import type { Outbox } from "../../src/fleet/outbox.ts";
import type { Fleet } from "../../src/fleet/status.ts";
import type {
  ClaimRequest,
  FleetClaim,
  FleetNews,
  FleetPolicy,
  OwnPolicy,
} from "../../src/fleet/types.ts";
import { parsePolicy } from "../../src/sts/policy.ts";
import { FakeEngine, FakeServer } from "../fakes/fake_engine.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { createRandom } from "../fakes/random.ts";

/** The mark of the settings that all hosts have unless a test says otherwise. */
export const SETTINGS = "settings0001";

/** The text of an enforced policy. @param mx A name that tells it from others; `maxAge` in seconds. */
export function policyText(mx: string, maxAge = 604_800): string {
  return `version: STSv1\r\nmode: enforce\r\nmx: ${mx}.example\r\nmax_age: ${maxAge}\r\n`;
}

/** A policy that a host has just fetched. */
export function ownPolicy(
  domain: string,
  { id = "1", text = policyText("mx"), fetchedAt }: {
    readonly id?: string;
    readonly text?: string;
    readonly fetchedAt: number;
  },
): OwnPolicy {
  const expiresAt = fetchedAt + parsePolicy(text).maxAge * 1000;
  return { domain, id, text, fetchedAt, expiresAt };
}

/** Secrets of a fleet. @param octets Each the one octet that a secret is made of. */
export function macOf(...octets: number[]): Promise<Mac> {
  return createMac(octets.map((octet) => new Uint8Array(32).fill(octet)), "mtasts");
}

/** What a claim is for; nothing is held. */
export function request(given: Partial<ClaimRequest> = {}): ClaimRequest {
  return { id: "1", newerThan: 0, heldText: undefined, isForced: false, ...given };
}

/** How a host differs from the others. */
export interface HostOptions {
  /** `undefined` for a host without a secret. */
  readonly mac: Mac | undefined;
  /** @default "mx<number>.example" */
  readonly name?: string;
  /** How far its clock is ahead, ms. */
  readonly ahead?: number;
  /** @default SETTINGS */
  readonly settings?: string;
  /** @default "nonce-of-host-<number>" */
  readonly nonce?: string;
  /** What an exchange before could not send. */
  readonly outbox?: Outbox;
}

/** A host. */
export interface Host {
  readonly name: string;
  readonly fleet: Fleet;
  readonly engine: FakeEngine;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** What it heard, in order. */
  readonly news: FleetNews[];
  /** What it logged: the events. */
  readonly events: string[];
  /** What it holds, by domain; what it learns is up to the test. */
  readonly held: Map<string, OwnPolicy>;
  /** Claims the domain, fetches in `ms` if it may, publishes, and returns what it has in the end. */
  fetch(domain: string, options?: FetchOptions): Promise<OwnPolicy | FleetPolicy | undefined>;
  /** Fetches made by {@link fetch}. */
  fetches: number;
}

/** How a fetch of a test goes. */
export interface FetchOptions extends Partial<ClaimRequest> {
  /** How long it takes, ms. */
  readonly ms?: number;
  /** What is fetched. */
  readonly text?: string;
  /** It fails for a reason that the policy host has answered for, or for one that may be this host's own. */
  readonly fails?: "status" | "connect";
}

/** A fleet under test. */
export class TestFleet {
  readonly clock = new ManualClock();
  readonly server = new FakeServer(this.clock);
  readonly hosts: Host[] = [];

  /** Adds a host. */
  add(options: HostOptions): Host {
    const engine = new FakeEngine(this.server);
    const number = this.hosts.length + 1;
    const host = createHost(engine, this.clock, { ...options, number });
    this.hosts.push(host);
    return host;
  }

  /** Ends all hosts; then no timer may be left. */
  async close(): Promise<void> {
    const closed = Promise.all(this.hosts.map(({ fleet }) => fleet.close()));
    await this.clock.advance(3000);
    await closed;
  }

  /** All fetches. */
  get fetches(): number {
    return this.hosts.reduce((sum, { fetches }) => sum + fetches, 0);
  }
}

function createHost(
  engine: FakeEngine,
  shared: ManualClock,
  options: HostOptions & { readonly number: number },
): Host {
  const { mac, ahead = 0, number, name = `mx${number}.example`, settings = SETTINGS } = options;
  const clock = skew(shared, ahead);
  const events: string[] = [];
  const write = (line: string) => void events.push(JSON.parse(line).event);
  const log = createLog({ level: "info", format: "json", write, now: () => clock.now() });
  const metrics = createMetrics();
  const held = new Map<string, OwnPolicy>();
  const random = createRandom(number);
  const fleet = createExchange({
    ...{ engine, clock, log, metrics, mac, host: name, settings },
    ...(options.outbox === undefined ? {} : { outbox: options.outbox }),
    random: () => random.int(2 ** 32) / 2 ** 32,
    warnings: createWarnings({ log, clock }),
    version: "1.0.0",
    nonce: options.nonce ?? `nonce-of-host-${number}`,
    timeout: 200,
    wait: 6000,
    listOwn: ({ after, limit }) => {
      const domains = [...held.keys()].sort().filter((domain) => domain > after);
      const entries = domains.slice(0, limit).map((domain) => held.get(domain)!);
      return { entries, next: domains.length > limit ? domains[limit - 1] : undefined };
    },
  });
  const news: FleetNews[] = [];
  fleet.onNews((item) => void news.push(item));
  const host: Host = {
    ...{ name, fleet, engine, clock, metrics, news, events, held },
    fetches: 0,
    async fetch(domain, how = {}) {
      const claim = await fleet.claim(domain, request(how));
      if (claim.kind === "learned") return claim.policy;
      return claim.kind === "failed" ? undefined : await work(host, claim, { domain, how });
    },
  };
  return host;
}

async function work(
  host: Host,
  claim: Extract<FleetClaim, { kind: "fetch" }>,
  { domain, how }: { readonly domain: string; readonly how: FetchOptions },
): Promise<OwnPolicy | undefined> {
  const { ms = 100, text = policyText("mx"), id = "1", fails } = how;
  host.fetches++;
  await new Promise<void>((resolve) => void host.clock.setTimer(resolve, ms));
  const now = host.clock.now();
  if (fails !== undefined) {
    const times = { count: 1, failedAt: now, retryAt: now + 300_000 };
    claim.publishFailure({ domain, id, reason: fails, detail: "no", ...times });
    return undefined;
  }
  const policy = ownPolicy(domain, { id, text, fetchedAt: now });
  host.held.set(domain, policy);
  claim.publish(policy);
  return policy;
}

function skew(clock: ManualClock, ahead: number): Clock {
  return {
    now: () => clock.now() + ahead,
    setTimer: (callback, delay) => clock.setTimer(callback, delay),
  };
}

/** A fleet that is connected: signed, unless `mac` says otherwise. */
export async function createFleet(
  size: number,
  options: Partial<HostOptions> = {},
): Promise<TestFleet> {
  const fleet = new TestFleet();
  const mac = await macOf(1);
  for (let left = size; left > 0; left--) fleet.add({ mac, ...options });
  await fleet.clock.advance(1000);
  return fleet;
}

/** What a promise came to and when, ms after the call. */
export async function timed<T>(
  fleet: TestFleet,
  promise: Promise<T>,
  { within }: { readonly within: number },
): Promise<{ readonly value: T; readonly ms: number }> {
  const start = fleet.clock.now();
  let ms = NaN;
  void promise.then(() => ms = fleet.clock.now() - start);
  await fleet.clock.advance(within);
  if (Number.isNaN(ms)) throw new Error(`It has not ended after ${within} ms`);
  return { value: await promise, ms };
}
