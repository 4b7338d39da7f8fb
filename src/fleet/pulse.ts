/**
 * Heartbeats: each host sends one every 10 s, and knows the others by theirs.
 *
 * A host hears its own as well. If it does not, it is deaf: a connection half open, a proxy that passes no
 * subscriptions, or the wrong server after a failover. It then subscribes again. If that does not help, it works
 * without news, at the cost of one read before each fetch, and of noticing changes only by TXT checks.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Circuit } from "./circuit.ts";
import type { EngineClock } from "./engine_clock.ts";
import type { SealOptions } from "./entry.ts";
import { type Heartbeat, sealMessage } from "./message.ts";
import type { FleetHost, HearingState } from "./status.ts";

/** Between two heartbeats, ms. */
export const BEAT_EVERY_MS = 10_000;

/** The own heartbeat is heard within this time, ms, or not at all: it takes a round trip. */
const ECHO_MS = 3000;

/** A host that was not heard for this long, ms, has gone: three heartbeats. */
export const HOST_GONE_MS = 30_000;

/** Hosts that are listed. More are no fleet, but somebody who makes names up. */
const HOSTS_MAX = 1000;

/** What the exchanges of one process have in common: the part of the nonce in front of `_`. */
function processOf(nonce: string): string {
  return nonce.slice(0, nonce.indexOf("_") + 1) || nonce;
}

/** What the pulse needs. */
export interface PulseOptions {
  /** The way to the engine. */
  readonly circuit: Circuit;
  /** Time and timers. */
  readonly clock: Clock;
  /** Gets a line when this host turns deaf, and when it hears again. */
  readonly log: Log;
  /** The engine's time. */
  readonly engineClock: EngineClock;
  /** How heartbeats are sealed; `host` is the name of this one. */
  readonly seal: SealOptions;
  /** Version of the program, printable ASCII without spaces. */
  readonly version: string;
  /** What this exchange knows its own heartbeats by. */
  readonly nonce: string;
  /** Called with each heartbeat that is due, whether the engine is up or not. */
  onBeat(): void;
  /** Has the channel opened anew. */
  reopen(): void;
  /** Called when news arrives again after an own heartbeat was not heard. */
  onHearing(): void;
}

/** The pulse of the fleet. */
export class Pulse {
  readonly #options: PulseOptions;
  /** By nonce. */
  readonly #hosts = new Map<string, FleetHost>();
  #heardAt = -Infinity;
  #misses = 0;
  #hearing: HearingState = "opening";
  #cancelBeat: (() => void) | undefined;
  #cancelEcho: (() => void) | undefined;
  #isClosed = false;

  /** Creates it; {@link Pulse.start} begins. */
  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Whether news arrives. */
  get hearing(): HearingState {
    return this.#hearing;
  }

  /** Whether the last own heartbeat was not heard: then the channel is opened again and again. */
  get isMissing(): boolean {
    return this.#misses > 0;
  }

  /** The other hosts seen lately, by name. */
  get hosts(): readonly FleetHost[] {
    this.#forgetGone();
    return [...this.#hosts.values()].sort((one, other) => one.name < other.name ? -1 : 1);
  }

  /** Begins to beat. */
  start(): void {
    const { clock, onBeat } = this.#options;
    this.#cancelBeat = clock.setTimer(() => {
      this.start();
      onBeat();
      void this.beat();
    }, BEAT_EVERY_MS);
  }

  /** Sends a heartbeat now. Never rejects. */
  async beat(): Promise<void> {
    const { circuit, clock, engineClock, seal, version, nonce } = this.#options;
    if (!circuit.isReachable) return;
    const ahead = engineClock.offset === undefined ? undefined : -engineClock.offset;
    const message = { kind: "heartbeat", host: seal.host, version, nonce, ahead } as const;
    const sealed = sealMessage(message, seal);
    if (sealed === undefined) return;
    const sentAt = clock.now();
    const outcome = await circuit.call("announce", (engine) => engine.announce(sealed));
    if (outcome.kind !== "ok" || this.#isClosed) return;
    this.#cancelEcho?.();
    if (this.#heardAt < sentAt) {
      this.#cancelEcho = clock.setTimer(() => this.#missed(), ECHO_MS);
    }
  }

  /** Hears a heartbeat. */
  hear({ host: name, version, nonce, ahead }: Heartbeat): void {
    const { clock } = this.#options;
    const lastHeardAt = clock.now();
    if (nonce === this.#options.nonce) return this.#heardOwn(lastHeardAt);
    // After a reload, the exchange before this one goes on for a while.
    if (processOf(nonce) === processOf(this.#options.nonce)) return;
    if (!this.#hosts.has(nonce) && this.#hosts.size >= HOSTS_MAX) this.#forgetGone();
    if (!this.#hosts.has(nonce) && this.#hosts.size >= HOSTS_MAX) return;
    this.#hosts.set(nonce, { name, version, lastHeardAt, ahead });
  }

  /** Ends it. */
  close(): void {
    this.#isClosed = true;
    this.#cancelBeat?.();
    this.#cancelEcho?.();
  }

  #heardOwn(now: number): void {
    const { log, circuit, onHearing } = this.#options;
    this.#heardAt = now;
    this.#cancelEcho?.();
    const [wasMissing, wasDeaf] = [this.isMissing, this.#hearing === "deaf"];
    this.#hearing = "open";
    this.#misses = 0;
    if (wasDeaf) log.info("shared cache sends news again", { engine: circuit.label });
    if (wasMissing) onHearing();
  }

  #missed(): void {
    const { circuit, log, reopen } = this.#options;
    this.#misses++;
    if (this.#misses > 1 && this.#hearing !== "deaf") {
      this.#hearing = "deaf";
      log.warn("shared cache sends no news", { engine: circuit.label });
    }
    reopen();
  }

  #forgetGone(): void {
    const since = this.#options.clock.now() - HOST_GONE_MS;
    for (const [nonce, { lastHeardAt }] of this.#hosts) {
      if (lastHeardAt < since) this.#hosts.delete(nonce);
    }
  }
}
