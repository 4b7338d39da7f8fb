/**
 * Bulk copies of policies: from this host to the engine, and from the engine to this host.
 *
 * The engine may have been emptied, or be a new one. Then the host that sets its mark pushes what it holds, and the
 * others follow, each after a random delay: an entry that is already there costs them one read. A copy ends with the
 * first call that fails, and so with the exchange.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { sleep } from "../base/wait.ts";
import type { CallOptions, Circuit, Outcome } from "./circuit.ts";
import type { EngineClock } from "./engine_clock.ts";
import type { SealOptions } from "./entry.ts";
import { openEntry } from "./entry.ts";
import type { KnowledgeReader } from "./knowledge.ts";
import { CALL_OCTETS, type Publisher } from "./publisher.ts";
import type { Refusals } from "./refusals.ts";
import type { FleetCopy } from "./status.ts";
import type { Engine, Entry, FleetPolicy, ListOwnPolicies, OwnPolicy } from "./types.ts";

/** Policies in a part. */
const PART = 100;

/** Between two parts, ms: 500 policies in a second, so that the engine serves others meanwhile. */
const PART_EVERY_MS = 200;

/**
 * An entry of the engine that is older than the own policy by no more than this, ms, is the same: two clocks that drift
 * apart made their times.
 */
const SAME_MS = 60_000;

/** What copies need. */
export interface BulkOptions {
  /** The way to the engine. */
  readonly circuit: Circuit;
  /** Time and timers. */
  readonly clock: Clock;
  /** The engine's time. */
  readonly engineClock: EngineClock;
  /** How entries are opened. */
  readonly seal: SealOptions;
  /** Counts what does not open. */
  readonly refusals: Refusals;
  /** Knows purges. */
  readonly reader: KnowledgeReader;
  /** Seals. */
  readonly publisher: Publisher;
  /** The policies of this host. */
  readonly listOwn: ListOwnPolicies;
}

type Counts = { -readonly [Name in keyof FleetCopy]: FleetCopy[Name] };

/** Copies to and from the engine. */
export class Bulk {
  readonly #options: BulkOptions;
  #pushing: Promise<FleetCopy> | undefined;

  /** Creates it. */
  constructor(options: BulkOptions) {
    this.#options = options;
  }

  /** As `Fleet.push`. While a push is under way, it counts as this one. */
  push(): Promise<FleetCopy> {
    this.#pushing ??= this.#push().finally(() => this.#pushing = undefined);
    return this.#pushing;
  }

  /** As `Fleet.pull`. */
  async pull(take: (policy: FleetPolicy) => void): Promise<FleetCopy> {
    const counts: Counts = { sent: 0, kept: 0, refused: 0, fault: undefined };
    let cursor: string | undefined;
    do {
      const from = cursor;
      const part = await this.#call(counts, "list", (engine) => engine.list("p", from));
      if (part === undefined) break;
      for (const sealed of part.sealed) this.#takeIn(sealed, { take, counts });
      cursor = part.cursor;
      if (cursor !== undefined) await this.#pause(part.sealed.length);
    } while (cursor !== undefined);
    return counts;
  }

  #takeIn(sealed: string, { take, counts }: {
    readonly take: (policy: FleetPolicy) => void;
    readonly counts: Counts;
  }): void {
    const { engineClock, seal, refusals, reader } = this.#options;
    const reading = refusals.sift(openEntry(sealed, engineClock.times(), seal), undefined);
    const policy = reading?.kind === "p" ? reader.unpurged(reading.policy) : undefined;
    if (policy === undefined) counts.refused++;
    else {
      counts.sent++;
      take(policy);
    }
  }

  async #push(): Promise<FleetCopy> {
    const counts: Counts = { sent: 0, kept: 0, refused: 0, fault: undefined };
    let after: string | undefined = "";
    while (after !== undefined) {
      const { entries, next } = this.#options.listOwn({ after, limit: PART });
      await this.#pushPart(entries, counts);
      if (counts.fault !== undefined) break;
      after = next;
      if (after !== undefined) await this.#pause(entries.length);
    }
    return counts;
  }

  async #pushPart(policies: readonly OwnPolicy[], counts: Counts): Promise<void> {
    const { reader, publisher, clock } = this.#options;
    const now = clock.now();
    const live = policies.filter(({ domain, expiresAt, fetchedAt }) =>
      expiresAt > now && fetchedAt > reader.purgedAt(domain)
    );
    const keys = live.map(({ domain: name }) => ({ kind: "p", name }) as const);
    const texts = await this.#call(counts, "read", (engine) => engine.read(keys));
    if (texts === undefined || live.length === 0) return;
    for (const isFilling of [true, false]) {
      const wanted = live.filter((policy, index) =>
        (texts[index] === undefined) === isFilling &&
        (isFilling || this.#isWanted(policy, texts[index]!, counts))
      );
      const entries = wanted.flatMap((policy) => publisher.seal({ kind: "p", policy }) ?? []);
      counts.refused += wanted.length - entries.length;
      for (const part of partsOf(entries)) {
        const publish = (engine: Engine) => engine.publish(part, { isFilling });
        await this.#call(counts, "publish", publish, { isWrite: true });
        if (counts.fault !== undefined) return;
        counts.sent += part.length;
      }
    }
  }

  /** Whether an own policy replaces the engine's entry. Entries of a newer version stay. */
  #isWanted(policy: OwnPolicy, text: string, counts: Counts): boolean {
    const { engineClock, seal } = this.#options;
    const key = { kind: "p", name: policy.domain } as const;
    const theirs = openEntry(text, engineClock.times(), { ...seal, key });
    const stays = theirs.kind === "p"
      ? !isNewer(policy, theirs.policy)
      : theirs.kind === "refused" && theirs.reason === "version";
    if (stays) counts.kept++;
    return !stays;
  }

  async #pause(policies: number): Promise<void> {
    if (policies > 0) await sleep(policies / PART * PART_EVERY_MS, this.#options.clock);
  }

  /** Makes a call; notes in `counts` why it failed. */
  async #call<T>(
    counts: Counts,
    name: string,
    run: (engine: Engine) => Promise<T>,
    options?: CallOptions<T>,
  ): Promise<T | undefined> {
    const outcome: Outcome<T> = await this.#options.circuit.call(name, run, options);
    if (outcome.kind === "ok") return outcome.value;
    counts.fault = this.#options.circuit.status.fault ??
      `the engine did not answer: ${outcome.kind}`;
    return undefined;
  }
}

/** What goes into one call each. */
function partsOf(entries: readonly Entry[]): Entry[][] {
  const parts: Entry[][] = [];
  let left = 0;
  for (const entry of entries) {
    left -= entry.sealed.length;
    if (left < 0) {
      parts.push([]);
      left = CALL_OCTETS - entry.sealed.length;
    }
    parts.at(-1)!.push(entry);
  }
  return parts;
}

function isNewer(own: OwnPolicy, theirs: FleetPolicy): boolean {
  const slack = own.text === theirs.text ? SAME_MS : 0;
  return own.fetchedAt > theirs.fetchedAt + slack;
}
