/**
 * One fetch per fleet: a claim gets the right to fetch, or waits for the host that has it.
 *
 * A waiting host listens for news of the domain *before* it claims: reply and news come over two connections, and it
 * would miss news in between. It claims again after half a second without news. A lease that was not renewed for 3 s is
 * broken: its holder is dead, or the engine's clock went back. It fetches by itself, without a lease, after
 * `cache.shared.wait` in all, if the engine fails, or if too many wait already.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Circuit } from "./circuit.ts";
import type { SealOptions } from "./entry.ts";
import type { EntryTexts, KnowledgeReader } from "./knowledge.ts";
import { judgeKnowledge, type Learned } from "./learned.ts";
import { createFetchClaim } from "./fetch_claim.ts";
import { type EndedLease, Lease, LEASE_MS, releaseLease, tokenOf } from "./lease.ts";
import type { FailedFetch } from "./message.ts";
import type { Publisher } from "./publisher.ts";
import type { ReadBatch } from "./read_batch.ts";
import type { ClaimRequest, FleetClaim, FleetKnowledge } from "./types.ts";
import { type Listening, Waiters } from "./waiters.ts";

/** A wait for news ends after this, ms, and the claim is made again. */
const NEWS_WAIT_MS = 500;

/** Without a renewal for this long, ms, the holder counts as dead: longer than its lease lasts by itself. */
const DEAD_HOLDER_MS = 3000;

/**
 * Claims that wait at the same time: each asks twice a second, and ten hosts in this state are as much as a PostgreSQL
 * can take. Further claims fetch without waiting.
 */
const WAITING_MAX = 128;

/**
 * After so many fetches in a row that failed for a reason which may be its own, this host may be cut off. Then it takes
 * no lease for a while, ms: the others would wait for each of its fetches, to find that they have to look themselves.
 */
const CUT_OFF_AFTER = 3;
const CUT_OFF_MS = 60_000;

/** Characters of another host's token that are kept: more than one has. */
const TOKEN_MAX_LENGTH = 100;

const NOTHING: Promise<undefined> = Promise.resolve(undefined);

/** What claims need. */
export interface ClaimsOptions {
  /** The way to the engine. */
  readonly circuit: Circuit;
  /** Time and timers. */
  readonly clock: Clock;
  /** Reads what comes with a claim. */
  readonly reader: KnowledgeReader;
  /** Reads where claims are refused. */
  readonly reads: ReadBatch;
  /** Sends results. */
  readonly publisher: Publisher;
  /** Counts. */
  readonly metrics: Metrics;
  /** What tokens of this exchange begin with; nobody else's do. */
  readonly nonce: string;
  /** `cache.shared.wait`, ms. */
  readonly wait: number;
  /** How messages are sealed, and whether they are signed. */
  readonly seal: SealOptions;
}

/** The claims of a host. */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #waiters: Waiters<FleetKnowledge | FailedFetch>;
  readonly #leases = new Set<Lease>();
  readonly #count: Readonly<Record<"granted" | "waited" | "alone", { value: number }>>;
  #serial = 0;
  /** Claims under way. */
  readonly #contending = new Set<Promise<unknown>>();
  #waiting = 0;
  /** Fetches in a row that failed for a reason that may be this host's own, and when the last one did, ms. */
  #failures = 0;
  #failedAt = -Infinity;
  #isClosed = false;

  /** Creates it; nothing is claimed. */
  constructor(options: ClaimsOptions) {
    this.#options = options;
    this.#waiters = new Waiters(options.clock);
    const counter = options.metrics.counter(
      "mta_sts_shared_claims_total",
      "Fetches by how the fleet shared them: leased to this host, learned from another, or made alone.",
      ["result"],
    );
    const [granted, waited] = [counter.cell("granted"), counter.cell("waited")];
    this.#count = { granted, waited, alone: counter.cell("alone") };
  }

  /** Leases held, and claims that wait. */
  get status(): { leases: number; waiting: number } {
    return { leases: this.#leases.size, waiting: this.#waiting };
  }

  /** Tells those who wait what came with the news of a domain. */
  tell(domain: string, news: FleetKnowledge): void {
    this.#waiters.tell(domain, news);
  }

  /** A fetch under a lease has failed for a reason that may be its own: those who wait for it fetch for themselves. */
  hear(message: FailedFetch): void {
    this.#waiters.tell(message.domain, message);
  }

  /** Claims. Never rejects. */
  async claim(domain: string, request: ClaimRequest): Promise<FleetClaim> {
    const contending = request.isForced
      ? NOTHING
      : this.#isCutOff
      ? this.#look(domain, request).then(claimOf)
      : this.#contend(domain, request);
    this.#contending.add(contending);
    const result = await contending;
    this.#contending.delete(contending);
    if (result === undefined) this.#count.alone.value++;
    else if (result.kind === "fetch") this.#count.granted.value++;
    else this.#count.waited.value++;
    return result ?? this.#fetchClaim(undefined);
  }

  /** Ends leases and waits; those who wait fetch for themselves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiters.wakeAll();
    await Promise.all(this.#contending);
    const ended = [...this.#leases].flatMap((lease) => lease.end() ?? []);
    await Promise.all(ended.map((lease) => this.#release(lease)));
  }

  /** Claims until the lease is ours, or there is something to learn; `undefined` to fetch without a lease. */
  async #contend(domain: string, request: ClaimRequest): Promise<FleetClaim | undefined> {
    const { clock, wait } = this.#options;
    const end = clock.now() + wait;
    let lease: SeenLease | undefined;
    for (let isWaiting = false; !this.#isClosed; isWaiting = true) {
      const listening = this.#waiters.listen(domain, (news) => this.#judge(news, request));
      try {
        const step = await this.#try(domain, request);
        if (step.kind !== "held") return claimOf(step);
        const now = clock.now();
        if (now >= end) return undefined;
        if (!isWaiting && this.#waiting >= WAITING_MAX) return undefined;
        if (lease === undefined || step.holder !== lease.holder) {
          lease = { holder: step.holder, renewedAt: now };
        }
        const isDead = now - lease.renewedAt >= DEAD_HOLDER_MS;
        if (isDead && lease.isBroken) return undefined;
        if (isDead) {
          lease = { ...lease, isBroken: true };
          await this.#release({ domain, token: step.holder ?? "" });
          continue;
        }
        const heard = await this.#wait(listening, Math.min(end, lease.renewedAt + DEAD_HOLDER_MS));
        if (heard !== undefined) return heard === "alone" ? undefined : heard;
      } finally {
        listening.stop();
      }
    }
    return undefined;
  }

  async #wait<T>(listening: Listening<T>, until: number): Promise<T | undefined> {
    this.#waiting++;
    const heard = await listening.wait(Math.min(until - this.#options.clock.now(), NEWS_WAIT_MS));
    this.#waiting--;
    return heard;
  }

  async #try(domain: string, request: ClaimRequest): Promise<Step> {
    const { circuit, nonce, reader } = this.#options;
    const lease = { domain, token: tokenOf(nonce, ++this.#serial) };
    const outcome = await circuit.call(
      "claim",
      (engine) => engine.claim(domain, { token: lease.token, ttl: LEASE_MS }),
      {
        isWrite: true,
        onLate: (reply) => void (reply.isGranted ? this.#release(lease) : undefined),
      },
    );
    if (outcome.kind === "refused") return await this.#look(domain, request);
    if (outcome.kind !== "ok") return { kind: "alone" };
    const reply = outcome.value;
    const found = this.#judge(reader.read(domain, reply), request);
    if (found !== undefined) {
      if (reply.isGranted) void this.#release(lease);
      return found === "alone" ? { kind: "alone" } : { kind: "end", claim: found };
    }
    if (!reply.isGranted) {
      return { kind: "held", holder: reply.holder?.slice(0, TOKEN_MAX_LENGTH) };
    }
    return { kind: "end", claim: this.#fetchClaim(lease) };
  }

  get #isCutOff(): boolean {
    return this.#failures >= CUT_OFF_AFTER &&
      this.#options.clock.now() - this.#failedAt < CUT_OFF_MS;
  }

  /** Existing entries count without a lease too: if the engine refuses writes, or this host should take no lease. */
  async #look(domain: string, request: ClaimRequest): Promise<EndStep> {
    const { reads, reader } = this.#options;
    const outcome = await reads.read(reader.keysOf(domain));
    if (outcome.kind !== "ok") return { kind: "alone" };
    const [policy, failure, tombstone] = outcome.value;
    const texts: EntryTexts = { policy, failure, tombstone };
    const found = this.#judge(reader.read(domain, texts), request);
    return found === undefined || found === "alone"
      ? { kind: "alone" }
      : { kind: "end", claim: found };
  }

  #judge(news: FleetKnowledge | FailedFetch, request: ClaimRequest): Learned | "alone" | undefined {
    if ("kind" in news) return news.id === request.id ? "alone" : undefined;
    return judgeKnowledge(news, request, { now: this.#options.clock.now() });
  }

  async #release(lease: EndedLease): Promise<void> {
    await releaseLease(lease, this.#options);
  }

  /** The right to fetch, with a lease or without. */
  #fetchClaim(granted: EndedLease | undefined): FleetClaim {
    const { circuit, clock } = this.#options;
    const options = { ...this.#options, onFetched: (isOwn: boolean) => this.#noteFetch(isOwn) };
    if (granted === undefined) return createFetchClaim(undefined, options);
    const onEnd = () => void this.#leases.delete(lease);
    const lease = new Lease(granted, { circuit, clock, onEnd });
    this.#leases.add(lease);
    return createFetchClaim(lease, options);
  }

  #noteFetch(isOwn: boolean): void {
    this.#failures = isOwn ? this.#failures + 1 : 0;
    this.#failedAt = this.#options.clock.now();
  }
}

/** Another host's lease, as a waiting claim sees it. */
interface SeenLease {
  readonly holder: string | undefined;
  /** When the token changed last, ms. */
  readonly renewedAt: number;
  /** This host has tried to end it. */
  readonly isBroken?: boolean;
}

/** What a claim ends with. */
type EndStep = { readonly kind: "end"; readonly claim: FleetClaim } | { readonly kind: "alone" };

/** The result of one attempt to claim. */
type Step = EndStep | { readonly kind: "held"; readonly holder: string | undefined };

function claimOf(step: EndStep): FleetClaim | undefined {
  return step.kind === "end" ? step.claim : undefined;
}
