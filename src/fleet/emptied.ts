/**
 * Notices that the engine was emptied, by a mark that is gone. The host that sets it again sends what it holds, and
 * notifies the others, which do the same.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Bulk } from "./bulk.ts";
import type { Circuit } from "./circuit.ts";
import type { SealOptions } from "./entry.ts";
import { type Emptied, sealMessage } from "./message.ts";

/** After another host found the engine empty, this one sends what it holds after at least this long, ms. */
const FOLLOW_FIRST_MS = 10_000;

/** … and at most this long, ms, at random, so that hosts do not all read at once. */
const FOLLOW_LAST_MS = 60_000;

/**
 * What others say is followed once in this time, ms: a push of a million policies takes half an hour, and whoever can
 * write to the channel can say it again and again.
 */
const FOLLOW_AGAIN_MS = 10 * 60_000;

/** What it needs. */
export interface EmptiedOptions {
  /** The way to the engine. */
  readonly circuit: Circuit;
  /** Time and timers. */
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Gets a line when the engine was found empty. */
  readonly log: Log;
  /** How the message is sealed. */
  readonly seal: SealOptions;
  /** Tells this exchange's message from others. */
  readonly nonce: string;
  /** Sends what is held. */
  readonly bulk: Pick<Bulk, "push">;
}

/** The watch on the mark. */
export class EmptiedWatch {
  readonly #options: EmptiedOptions;
  #followedAt = -Infinity;
  #cancel: (() => void) | undefined;

  /** Creates it. */
  constructor(options: EmptiedOptions) {
    this.#options = options;
  }

  /** Looks at the mark; sends what is held if this call has set it. Never rejects. */
  async look(): Promise<void> {
    const { circuit, log, seal, nonce, bulk } = this.#options;
    const outcome = await circuit.call("mark", (engine) => engine.mark(), { isWrite: true });
    if (outcome.kind !== "ok" || !outcome.value) return;
    log.info("shared cache was empty: sending it what is held here", { engine: circuit.label });
    const sealed = sealMessage({ kind: "emptied", host: seal.host, nonce }, seal);
    if (sealed !== undefined) {
      await circuit.call("announce", (engine) => engine.announce(sealed));
    }
    void bulk.push();
  }

  /** Another host found it empty: this one sends what it holds, a while later. */
  hear({ nonce }: Emptied): void {
    const { clock, random, bulk } = this.#options;
    const now = clock.now();
    if (nonce === this.#options.nonce || now - this.#followedAt < FOLLOW_AGAIN_MS) return;
    this.#followedAt = now;
    const delay = FOLLOW_FIRST_MS + random() * (FOLLOW_LAST_MS - FOLLOW_FIRST_MS);
    this.#cancel = clock.setTimer(() => void bulk.push(), delay);
  }

  /** Ends it. */
  close(): void {
    this.#cancel?.();
  }
}
