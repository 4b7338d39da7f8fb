/**
 * Notices when the engine has not answered for two seconds. TCP takes a quarter of an hour to give up a connection to a
 * host that has vanished, so the connection is dropped and made again.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** A call without a reply for this long, ms, means that the connection is dead: no engine in use is as slow. */
const DEAD_AFTER_MS = 2000;

/** Watches calls, with one timer for all of them. */
export class LateWatch {
  readonly #clock: Clock;
  readonly #onDead: () => void;
  /** When the calls that have no reply were made, the oldest first. */
  readonly #open = new Set<{ readonly at: number }>();
  #cancel: (() => void) | undefined;

  /**
   * Creates a watch.
   *
   * @param options `onDead` is called when the oldest call has waited too long; all calls then count as ended.
   */
  constructor({ clock, onDead }: { readonly clock: Clock; readonly onDead: () => void }) {
    this.#clock = clock;
    this.#onDead = onDead;
  }

  /** Notes a call that settles when `promise` does. */
  watch(promise: Promise<unknown>): void {
    const call = { at: this.#clock.now() };
    this.#open.add(call);
    this.#arm();
    const end = () => {
      this.#open.delete(call);
      if (this.#open.size === 0) this.stop();
    };
    promise.then(end, end);
  }

  /** Forgets all calls. */
  stop(): void {
    this.#open.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    const [oldest] = this.#open;
    if (oldest === undefined || this.#cancel !== undefined) return;
    const left = oldest.at + DEAD_AFTER_MS - this.#clock.now();
    this.#cancel = this.#clock.setTimer(() => this.#look(), Math.max(0, left));
  }

  #look(): void {
    this.#cancel = undefined;
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    if (this.#clock.now() - oldest.at < DEAD_AFTER_MS) return this.#arm();
    this.stop();
    this.#onDead();
  }
}
