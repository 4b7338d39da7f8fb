/**
 * Turns: how many requests are answered at once. Those above the limit wait, first come first served.
 *
 * @module
 */

/** Hands out turns to requests. */
export class Turns<T> {
  readonly #limit: number;
  readonly #onTurn: (holder: T) => void;
  readonly #queue = new Map<T, (hasTurn: boolean) => void>();
  #taken = 0;

  /** @param limit Turns taken at once. @param onTurn Called with each that gets a turn. */
  constructor(limit: number, onTurn: (holder: T) => void) {
    this.#limit = limit;
    this.#onTurn = onTurn;
  }

  /** Waits for a turn. @returns Whether there is one: not after {@link withdraw}. */
  async take(holder: T): Promise<boolean> {
    if (this.#taken >= this.#limit) {
      return await new Promise((resolve) => this.#queue.set(holder, resolve));
    }
    this.#taken++;
    this.#onTurn(holder);
    return true;
  }

  /** Ends a turn and passes it to the request that has waited the longest. */
  pass(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    const [holder, wake] = next;
    this.#queue.delete(holder);
    this.#onTurn(holder);
    wake(true);
  }

  /** Stops waiting for a turn. */
  withdraw(holder: T): void {
    const wake = this.#queue.get(holder);
    this.#queue.delete(holder);
    wake?.(false);
  }
}
