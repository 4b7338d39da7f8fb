/**
 * Whether one DNS resolver takes EDNS. One that takes it for a mistake (RFC 6891 §7), or drops every question with it
 * (§6.2.2), is asked without it for a while.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** EDNS that was refused or dropped is tried again after this, ms: a better DNS resolver, or path to it, is a matter of days. */
const RETRY_MS = 3600 * 1000;

/** What {@link EdnsMemory} works with. */
export interface EdnsOptions {
  /** Decides when EDNS is tried again. */
  readonly clock: Clock;
  /** EDNS works no more, or again. */
  onChange(works: boolean): void;
  /** Questions with EDNS were dropped an hour ago: tries one beside the others, and calls `accept()` if it is answered. */
  retry(): void;
}

/** What is known of EDNS. */
export class EdnsMemory {
  readonly #options: EdnsOptions;
  /** When it was last refused or dropped, ms of the clock; `undefined` if it works. */
  #refusedAt: number | undefined;
  #isDropped = false;

  /** At first, EDNS is taken to work. */
  constructor(options: EdnsOptions) {
    this.#options = options;
  }

  /** Whether it works, as far as is known. */
  get works(): boolean {
    return this.#refusedAt === undefined;
  }

  /** Whether questions with EDNS are dropped, as far as is known. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Whether to ask the next question with EDNS. */
  isAsked(): boolean {
    if (this.#refusedAt === undefined) return true;
    const now = this.#options.clock.now();
    if (now - this.#refusedAt < RETRY_MS) return false;
    if (!this.#isDropped) return true;
    // A refusal comes at once, but a question that is dropped would have to wait for its time-out.
    this.#refusedAt = now;
    this.#options.retry();
    return false;
  }

  /** Notes that a question was answered without EDNS only. */
  refuse(): void {
    const worked = this.works;
    this.#refusedAt = this.#options.clock.now();
    if (worked) this.#options.onChange(false);
  }

  /** Notes that questions with EDNS get no answer, but one without does. */
  drop(): void {
    this.#isDropped = true;
    this.refuse();
  }

  /** Notes that a question with EDNS was answered. */
  accept(): void {
    if (this.works) return;
    this.#refusedAt = undefined;
    this.#isDropped = false;
    this.#options.onChange(true);
  }
}
