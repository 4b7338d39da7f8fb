/**
 * Whether one DNS resolver takes EDNS. One that takes it for a mistake is asked without it, for a while
 * (RFC 6891 §7).
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** EDNS that was refused is tried again after this, ms: a better DNS resolver, or path to it, is a matter of days. */
const RETRY_MS = 3600 * 1000;

/** What {@link EdnsMemory} works with. */
export interface EdnsOptions {
  readonly clock: Clock;
  /** EDNS works no more, or again. */
  onChange(works: boolean): void;
}

/** What is known of EDNS. */
export class EdnsMemory {
  readonly #options: EdnsOptions;
  /** When it was last refused, ms of the clock; `undefined` if it is not. */
  #refusedAt: number | undefined;

  /** At first, EDNS is taken to work. */
  constructor(options: EdnsOptions) {
    this.#options = options;
  }

  /** Whether it works, as far as is known. */
  get works(): boolean {
    return this.#refusedAt === undefined;
  }

  /** Whether to ask the next question with EDNS. */
  isAsked(): boolean {
    return this.#refusedAt === undefined ||
      this.#options.clock.now() - this.#refusedAt >= RETRY_MS;
  }

  /** Notes that a question was answered without EDNS only. */
  refuse(): void {
    const worked = this.works;
    this.#refusedAt = this.#options.clock.now();
    if (worked) this.#options.onChange(false);
  }

  /** Notes that a question with EDNS was answered. */
  accept(): void {
    if (this.works) return;
    this.#refusedAt = undefined;
    this.#options.onChange(true);
  }
}
