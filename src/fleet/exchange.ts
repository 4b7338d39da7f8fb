/**
 * The exchange: what the resolver asks of the fleet and tells it, over one engine, whatever the engine does.
 *
 * It puts the parts together: `circuit.ts` is the way to the engine, `read_batch.ts` asks, `claims.ts` shares
 * fetches, `publisher.ts` and `outbox.ts` tell, `channel.ts` and `pulse.ts` hear, `bulk.ts` copies. It knows no
 * engine, and nothing of what the resolver holds.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { withDeadline } from "../base/wait.ts";
import type { Warnings } from "../base/warnings.ts";
import { Bulk } from "./bulk.ts";
import { Channel, type Heard } from "./channel.ts";
import { Circuit } from "./circuit.ts";
import { Claims } from "./claims.ts";
import { declareCounts, type ExchangeCounts } from "./exchange_counts.ts";
import { EmptiedWatch } from "./emptied.ts";
import { EngineClock } from "./engine_clock.ts";
import type { SealOptions } from "./entry.ts";
import { KnowledgeReader } from "./knowledge.ts";
import { News } from "./news.ts";
import { Outbox } from "./outbox.ts";
import { waitPatiently } from "./patience.ts";
import { Publisher } from "./publisher.ts";
import { Pulse } from "./pulse.ts";
import { ReadBatch } from "./read_batch.ts";
import { Refusals } from "./refusals.ts";
import type { Fleet, FleetCopy, FleetStatus } from "./status.ts";
import type {
  ClaimRequest,
  Engine,
  FleetClaim,
  FleetKnowledge,
  FleetNews,
  FleetPolicy,
  FleetView,
  ListOwnPolicies,
} from "./types.ts";

/** What the engine's connections may take to end, ms; a stop of the daemon waits for it. */
const CLOSE_MS = 1000;

/** What an exchange is made of. */
export interface ExchangeOptions extends SealOptions {
  /** The driver; the exchange closes it. */
  readonly engine: Engine;
  /** Time and timers. */
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Gets a line for each change of the engine's state. */
  readonly log: Log;
  /** Gets warnings of entries that are refused. */
  readonly warnings: Warnings;
  /** Gets the metrics `mta_sts_shared_…`. */
  readonly metrics: Metrics;
  /** The program's version: printable ASCII without spaces, 1 to 64 characters. */
  readonly version: string;
  /**
   * Another text for each exchange, such as a UUID: 8 to 40 characters of `A-Za-z0-9_-`. Exchanges of one process have
   * the same text up to `_`, and do not count each other as other hosts.
   */
  readonly nonce: string;
  /** `cache.shared.timeout`: what one call may take, ms. */
  readonly timeout: number;
  /** `cache.shared.wait`: what a claim waits for another host's fetch, ms. */
  readonly wait: number;
  /** The policies that this host holds, for an engine that was emptied. */
  readonly listOwn: ListOwnPolicies;
  /** What an exchange before this one could not send. @default an empty one */
  readonly outbox?: Outbox;
}

/**
 * Creates an exchange and begins to connect.
 *
 * @returns It; no call throws or rejects, and each has a bound.
 */
export function createExchange(options: ExchangeOptions): Fleet {
  const exchange = new EngineExchange(options);
  exchange.start();
  return exchange;
}

class EngineExchange implements Fleet {
  readonly #options: ExchangeOptions;
  readonly #counts: ExchangeCounts;
  readonly #circuit: Circuit;
  readonly #engineClock: EngineClock;
  readonly #refusals: Refusals;
  readonly #reader: KnowledgeReader;
  readonly #reads: ReadBatch;
  readonly #outbox: Outbox;
  readonly #publisher: Publisher;
  readonly #claims: Claims;
  readonly #channel: Channel;
  readonly #pulse: Pulse;
  readonly #bulk: Bulk;
  readonly #emptied: EmptiedWatch;
  readonly #news: News;
  #hasOpened = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { engine, clock, log, metrics, warnings, mac, host, settings } = options;
    this.#counts = declareCounts(metrics, () => this.status());
    const seal = { mac, host, settings };
    this.#outbox = options.outbox ?? new Outbox();
    const engineClock = this.#engineClock = new EngineClock({ engine, clock, log });
    const circuit = this.#circuit = new Circuit({
      ...options,
      seconds: this.#counts.seconds,
      probe: () => engineClock.measure(),
      onUp: (isFirst) => this.#onUp(isFirst),
    });
    const refusals = this.#refusals = new Refusals({ metrics, warnings });
    const reader = this.#reader = new KnowledgeReader({
      ...{ engineClock, seal, refusals },
      onPurge: (domain, at) => this.#news.tellPurge(domain, at),
    });
    const reads = this.#reads = new ReadBatch(circuit);
    const { published } = this.#counts;
    const publisher = this.#publisher = new Publisher({
      ...{ circuit, engineClock, outbox: this.#outbox, seal, published },
    });
    this.#claims = new Claims({ ...options, circuit, reader, reads, publisher, seal });
    this.#channel = new Channel({
      ...{ engine, clock, engineClock, seal, refusals },
      isOwn: (sealed) => publisher.isOwn(sealed),
      onHeard: (heard) => this.#onHeard(heard),
      onOpen: () => this.#onOpen(),
    });
    this.#pulse = new Pulse({
      ...{ ...options, circuit, engineClock, seal },
      onBeat: () => void this.#care(),
      reopen: () => this.#channel.open(),
      onHearing: () => this.#news.tellBack(),
    });
    this.#bulk = new Bulk({ ...options, circuit, engineClock, seal, refusals, reader, publisher });
    this.#emptied = new EmptiedWatch({ ...options, circuit, seal, bulk: this.#bulk });
    this.#news = new News({ clock, reader, claims: this.#claims, outbox: this.#outbox });
  }

  start(): void {
    this.#channel.open();
    this.#circuit.start();
    this.#pulse.start();
  }

  get isReachable(): boolean {
    return this.#circuit.isReachable;
  }

  async ask(domain: string): Promise<FleetKnowledge | undefined> {
    const texts = await this.#read(this.#reader.keysOf(domain));
    if (texts === undefined) return undefined;
    const [policy, failure, tombstone] = texts;
    const known = this.#reader.read(domain, { policy, failure, tombstone });
    const isHit = known.policy !== undefined || known.failure !== undefined;
    this.#counts.lookups[isHit ? "hit" : "miss"].value++;
    return known;
  }

  claim(domain: string, request: ClaimRequest): Promise<FleetClaim> {
    return this.#claims.claim(domain, request);
  }

  async askView(nextHop: string): Promise<FleetView | undefined> {
    if (!this.#isSigned) return undefined;
    const texts = await this.#read([{ kind: "x", name: nextHop }]);
    if (texts === undefined) return undefined;
    const view = this.#reader.readView(nextHop, texts[0]);
    this.#counts.lookups[view === undefined ? "miss" : "hit"].value++;
    return view;
  }

  publishView(view: FleetView): void {
    if (this.#isSigned) void this.#publisher.publish({ kind: "x", view });
  }

  async purge(domain: string): Promise<number | undefined> {
    const at = this.#options.clock.now();
    this.#reader.notePurge(domain, at);
    this.#outbox.purge(domain, at);
    if (!this.#isSigned) return undefined;
    const { isTaken, heard } = await this.#publisher.publish({ kind: "t", domain, at });
    return isTaken ? heard ?? this.#pulse.hosts.length : undefined;
  }

  onNews(listener: (news: FleetNews) => void): () => void {
    return this.#news.listen(listener);
  }

  status(): FleetStatus {
    return {
      ...this.#circuit.status,
      ...this.#claims.status,
      label: this.#circuit.label,
      hearing: this.#pulse.hearing,
      lastNewsAt: this.#news.lastAt,
      offset: this.#engineClock.offset,
      isSigned: this.#isSigned,
      hosts: this.#pulse.hosts,
      outbox: this.#outbox.status,
      refused: this.#refusals.counts(),
    };
  }

  push(): Promise<FleetCopy> {
    return this.#bulk.push();
  }

  pull(take: (policy: FleetPolicy) => void): Promise<FleetCopy> {
    return this.#bulk.pull(take);
  }

  async close(): Promise<void> {
    this.#news.close();
    this.#emptied.close();
    this.#pulse.close();
    this.#channel.close();
    await this.#claims.close();
    this.#circuit.close();
    const { engine, clock } = this.#options;
    await withDeadline(engine.close().catch(() => {}), { ms: CLOSE_MS, clock });
  }

  get #isSigned(): boolean {
    return this.#options.mac !== undefined;
  }

  /** Reads entries for a question; counts why that failed. */
  async #read(keys: Parameters<ReadBatch["read"]>[0]) {
    const { timeout: ms, clock } = this.#options;
    const outcome = await waitPatiently(this.#reads.read(keys), { ms, clock });
    if (outcome?.kind === "ok") return outcome.value;
    const isSkipped = outcome !== undefined && outcome.kind !== "late";
    this.#counts.lookups[isSkipped ? "skipped" : "late"].value++;
    return undefined;
  }

  #onUp(isFirst: boolean): void {
    void this.#pulse.beat();
    void this.#care();
    if (!isFirst) this.#news.tellBack();
  }

  /** The channel is open: for the first time, or news may have been missed. */
  #onOpen(): void {
    const isAgain = this.#hasOpened;
    this.#hasOpened = true;
    if (!this.isReachable) return;
    void this.#pulse.beat();
    if (isAgain && !this.#pulse.isMissing) this.#news.tellBack();
  }

  /** What is due with every heartbeat: its clock, what waits for it, and its mark. */
  async #care(): Promise<void> {
    if (!this.isReachable) return;
    await this.#circuit.call("time", () => this.#engineClock.measure());
    await this.#publisher.flush();
    await this.#emptied.look();
  }

  #onHeard(heard: Heard): void {
    if (heard.kind === "heartbeat") this.#pulse.hear(heard);
    else if (heard.kind === "emptied") this.#emptied.hear(heard);
    else if (heard.kind === "failed-fetch") this.#claims.hear(heard);
    else this.#news.hear(heard);
  }
}
