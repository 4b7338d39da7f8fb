/**
 * Resolvers in small, for the soak: each holds policies, checks TXT, fetches under a claim, and adopts by the merge
 * rule. The world they look at has the policies as published, and remembers when each text was fetched last.
 *
 * @module
 */

import { mergePolicy, type Version } from "../../src/fleet/merge.ts";
import type { FleetNews, FleetPolicy, OwnPolicy } from "../../src/fleet/types.ts";
import type { ManualClock } from "../fakes/manual_clock.ts";
import type { Random } from "../fakes/random.ts";
import { type Host, ownPolicy, request } from "./hosts.ts";

/** Seconds; short, so that policies expire in the soak. */
export const MAX_AGE = 7200;

/** A held policy is fetched again after this, ms. */
const REFRESH_MS = 1800_000;

/** What domains publish. */
export class PublishedWorld {
  /** By domain: how often it changed. */
  readonly #changes = new Map<string, number>();
  /** By text: when a host fetched it last, ms of the test's clock. */
  readonly #fetchedAt = new Map<string, number>();
  /** TXT records cannot be looked up. */
  isDnsDown = false;
  /** Policy hosts do not answer. */
  isHttpsDown = false;
  readonly clock: ManualClock;

  /** @param clock The test's. */
  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  /** A domain publishes another policy. */
  change(domain: string): void {
    this.#changes.set(domain, this.#version(domain) + 1);
  }

  /** The id of its record; `undefined` if DNS is down. */
  idOf(domain: string): string | undefined {
    return this.isDnsDown ? undefined : `${this.#version(domain)}`;
  }

  /** Its policy as published now. */
  textOf(domain: string): string {
    const mx = `v${this.#version(domain)}.${domain}`;
    return `version: STSv1\nmode: enforce\nmx: ${mx}\nmax_age: ${MAX_AGE}\n`;
  }

  /** A fetch; `undefined` if it fails. */
  fetch(domain: string): string | undefined {
    if (this.isHttpsDown) return undefined;
    const text = this.textOf(domain);
    this.#fetchedAt.set(text, this.clock.now());
    return text;
  }

  /** How long ago a text was fetched last, ms; infinite if it never was. */
  ageOf(text: string): number {
    return this.clock.now() - (this.#fetchedAt.get(text) ?? -Infinity);
  }

  #version(domain: string): number {
    return this.#changes.get(domain) ?? 1;
  }
}

/** A resolver in small. */
export class SoakHost {
  readonly host: Host;
  /** Answers that must not be. */
  readonly faults: string[] = [];
  /** Fetches made. */
  fetches = 0;
  /** Checks under way. */
  checking = 0;
  readonly #world: PublishedWorld;
  readonly #random: Random;
  readonly #held = new Map<string, Version & OwnPolicy>();
  readonly #purgedAt = new Map<string, number>();

  /** Begins to listen to the news of `host`. */
  constructor(host: Host, world: PublishedWorld, options: { readonly random: Random }) {
    this.host = host;
    this.#world = world;
    this.#random = options.random;
    host.fleet.onNews((news) => this.#hear(news));
  }

  /** What is answered at once, as from memory; `undefined` if nothing is held. */
  answer(domain: string): OwnPolicy | undefined {
    const held = this.#live(domain);
    if (held === undefined) return undefined;
    // A host may be wrong about the age by what clocks differ, see `read_entry.ts`, and no more.
    if (this.#world.ageOf(held.text) > MAX_AGE * 1000 + 60_000 + CLOCK_ERROR_MS) {
      this.faults.push(`outlived: ${domain} ${held.text}`);
    }
    if (!held.text.includes(`.${domain}\n`)) this.faults.push(`foreign: ${domain} ${held.text}`);
    return held;
  }

  /** A query: an answer, after a check if none is held; a held one is checked behind it. */
  async query(domain: string): Promise<OwnPolicy | undefined> {
    const before = this.answer(domain);
    const check = this.#check(domain);
    if (before === undefined) await check;
    return this.answer(domain);
  }

  /** An operator purges the domain. */
  async purge(domain: string): Promise<void> {
    this.#forget(domain, this.host.clock.now());
    await this.host.fleet.purge(domain);
  }

  #live(domain: string): (Version & OwnPolicy) | undefined {
    const held = this.#held.get(domain);
    return held !== undefined && held.expiresAt > this.host.clock.now() ? held : undefined;
  }

  async #check(domain: string): Promise<void> {
    this.checking++;
    const id = this.#world.idOf(domain);
    if (this.#live(domain) === undefined) {
      const known = await this.host.fleet.ask(domain);
      if (known?.policy?.isSigned) this.#merge(known.policy);
    }
    const held = this.#live(domain);
    const isDue = held === undefined || this.host.clock.now() - held.fetchedAt > REFRESH_MS;
    if (id !== undefined && (isDue || held.id !== id)) await this.#retrieve(domain, id);
    this.checking--;
  }

  async #retrieve(domain: string, id: string): Promise<void> {
    const held = this.#live(domain);
    const claim = await this.host.fleet.claim(
      domain,
      request({ id, newerThan: held?.fetchedAt ?? 0, heldText: held?.text }),
    );
    if (claim.kind === "learned") return this.#merge(claim.policy);
    if (claim.kind === "failed") return;
    this.fetches++;
    const ms = this.#random.pick([20, 100, 100, 1000, 5000]);
    await new Promise<void>((resolve) => void this.host.clock.setTimer(resolve, ms));
    const [text, now] = [this.#world.fetch(domain), this.host.clock.now()];
    if (text === undefined) {
      const reason = this.#random.pick(["timeout", "status"]);
      const times = { count: 1, failedAt: now, retryAt: now + 60_000 };
      return claim.publishFailure({ domain, id, reason, detail: "", ...times });
    }
    const policy = ownPolicy(domain, { id, text, fetchedAt: now });
    this.#take({ ...policy, host: this.host.name });
    claim.publish(policy);
  }

  #hear(news: FleetNews): void {
    if (news.kind === "purge") this.#forget(news.domain, news.at);
    if (news.kind === "policy" && news.policy.isSigned) this.#merge(news.policy);
  }

  #merge(policy: FleetPolicy): void {
    const { domain } = policy;
    const facts = { held: this.#held.get(domain), now: this.host.clock.now() };
    const result = mergePolicy(policy, { ...facts, purgedAt: this.#purgedAt.get(domain) });
    if (result === "adopt" || result === "confirm") this.#take(policy);
  }

  #take(policy: Version & OwnPolicy): void {
    const live = this.#live(policy.domain);
    if (live !== undefined && policy.fetchedAt < live.fetchedAt) {
      this.faults.push(`went back: ${policy.domain} ${policy.text}`);
    }
    this.#held.set(policy.domain, policy);
    this.host.held.set(policy.domain, policy);
  }

  #forget(domain: string, at: number): void {
    this.#purgedAt.set(domain, Math.max(at, this.#purgedAt.get(domain) ?? -Infinity));
    if ((this.#held.get(domain)?.fetchedAt ?? Infinity) > at) return;
    this.#held.delete(domain);
    this.host.held.delete(domain);
  }
}

/** What hosts may be wrong about an age when their clocks and the engine's are wrong at once, ms. */
const CLOCK_ERROR_MS = 65 * 60_000 + 20 * 60_000;
