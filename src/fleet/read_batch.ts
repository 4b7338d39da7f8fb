/**
 * Batches reads: what is asked for while a call is under way goes into the next call.
 *
 * @module
 */

import type { Circuit, Outcome } from "./circuit.ts";
import type { EntryKey } from "./types.ts";

/** Keys in a call: 33 domains. A larger one would hold up the engine for others. */
const KEYS_MAX = 100;

/** Calls at the same time: while one is answered, the next is on its way. */
const CALLS_MAX = 2;

/**
 * Keys that wait for a call. At 100 in a call and 1 ms for each, they are answered within the deadline of their
 * questions; more would not be.
 */
const WAITING_KEYS_MAX = 10_000;

/** The result of a read: the texts in the order of the keys. */
export type ReadOutcome = Outcome<readonly (string | undefined)[]>;

interface Question {
  readonly keys: readonly EntryKey[];
  readonly resolve: (outcome: ReadOutcome) => void;
}

/** Batches of reads. */
export class ReadBatch {
  readonly #circuit: Pick<Circuit, "call">;
  #waiting: Question[] = [];
  #waitingKeys = 0;
  #calls = 0;

  /** Creates it; reads go through `circuit`. */
  constructor(circuit: Pick<Circuit, "call">) {
    this.#circuit = circuit;
  }

  /**
   * Reads a few entries. Never rejects.
   *
   * @param keys 100 at most. With too many others waiting, the read is skipped.
   */
  read(keys: readonly EntryKey[]): Promise<ReadOutcome> {
    if (this.#waitingKeys + keys.length > WAITING_KEYS_MAX) {
      return Promise.resolve({ kind: "skipped" });
    }
    return new Promise((resolve) => {
      this.#waiting.push({ keys, resolve });
      this.#waitingKeys += keys.length;
      // All questions of this turn go into one call.
      if (this.#calls < CALLS_MAX) queueMicrotask(() => this.#send());
    });
  }

  #send(): void {
    while (this.#calls < CALLS_MAX && this.#waiting.length > 0) void this.#call(this.#take());
  }

  #take(): Question[] {
    let keys = 0;
    const end = this.#waiting.findIndex((question) => (keys += question.keys.length) > KEYS_MAX);
    const taken = this.#waiting.splice(0, end === -1 ? this.#waiting.length : Math.max(1, end));
    for (const question of taken) this.#waitingKeys -= question.keys.length;
    return taken;
  }

  async #call(questions: readonly Question[]): Promise<void> {
    this.#calls++;
    const keys = questions.flatMap((question) => question.keys);
    const outcome = await this.#circuit.call("read", (engine) => engine.read(keys));
    this.#calls--;
    let at = 0;
    for (const { keys: { length }, resolve } of questions) {
      const texts = outcome.kind === "ok" ? outcome.value.slice(at, at + length) : [];
      at += length;
      resolve(outcome.kind === "ok" ? { kind: "ok", value: texts } : outcome);
    }
    this.#send();
  }
}
