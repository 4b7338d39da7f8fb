/**
 * Receives and opens the messages of other hosts, and skips this host's own.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { EngineClock } from "./engine_clock.ts";
import type { SealOptions } from "./entry.ts";
import { SEALED_MAX_LENGTH, unwrap } from "./envelope.ts";
import { type Message, readMessage } from "./message.ts";
import { readEntry, type Reading } from "./read_entry.ts";
import type { Refusals } from "./refusals.ts";
import type { Engine } from "./types.ts";

/**
 * Messages opened in a second. A hundred hosts with a million domains send 15; the rest is a flood, and each costs
 * some 60 µs. What is left out is found by the next check of its domain.
 */
const MESSAGES_PER_SECOND = 1000;

/** Octets of them: news is 0.3 KB as a rule, and a flood of the longest texts would take a third of a processor. */
const OCTETS_PER_SECOND = 4 * 1024 * 1024;

/** A received entry or message. */
export type Heard = Exclude<Reading, { kind: "refused" }> | Message;

/** What the channel needs. */
export interface ChannelOptions {
  /** Where the channel is. */
  readonly engine: Pick<Engine, "listen">;
  /** Time. */
  readonly clock: Pick<Clock, "now">;
  /** The engine's time. */
  readonly engineClock: EngineClock;
  /** How messages are opened. */
  readonly seal: SealOptions;
  /** Counts what does not open. */
  readonly refusals: Refusals;
  /** Whether this host sent a text. */
  isOwn(sealed: string): boolean;
  /** Called with each message; it must not throw. */
  onHeard(heard: Heard): void;
  /** Called when a subscription begins, also again; it must not throw. */
  onOpen(): void;
}

/** The receiving side of the channel. */
export class Channel {
  readonly #options: ChannelOptions;
  #stop: (() => void) | undefined;
  #second = 0;
  #count = 0;
  #octets = 0;

  /** Creates it; nothing is heard before {@link Channel.open}. */
  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Subscribes, or subscribes again. */
  open(): void {
    this.close();
    const { engine, onOpen } = this.#options;
    this.#stop = engine.listen({ onMessage: (message) => this.#hear(message), onOpen });
  }

  /** Unsubscribes. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #hear(sealed: string): void {
    const { seal, settings, refusals, isOwn, onHeard } = {
      ...this.#options,
      ...this.#options.seal,
    };
    // First of all, for the rest would go through megabytes of it.
    if (sealed.length > SEALED_MAX_LENGTH) return refusals.count("size", undefined);
    // Nobody waits for news of views.
    if (/^[^.]*\.x/.test(sealed) || this.#isFlood(sealed.length) || isOwn(sealed)) return;
    const content = unwrap(sealed, seal.mac);
    if (content.kind === "refused") return refusals.count(content.reason, undefined);
    const message = readMessage(content);
    if (message?.kind === "refused") return refusals.count(message.reason, undefined);
    const times = this.#options.engineClock.times();
    const heard = message ?? refusals.sift(readEntry(content, times, { settings }), undefined);
    if (heard !== undefined) onHeard(heard);
  }

  #isFlood(octets: number): boolean {
    const second = Math.floor(this.#options.clock.now() / 1000);
    if (second !== this.#second) this.#count = this.#octets = 0;
    this.#second = second;
    this.#octets += octets;
    return ++this.#count > MESSAGES_PER_SECOND || this.#octets > OCTETS_PER_SECOND;
  }
}
