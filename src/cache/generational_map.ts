/**
 * A bounded map for the hot path.
 *
 * The entries live in two generations of at most half the bound each. New entries go
 * into the young one. When it is full it becomes the old one, and what was left in the former
 * old one is dropped at once. An entry that is found in the old generation moves to the
 * young one, so whatever is used at least once while half a bound of other entries comes in
 * survives; the rest goes in bulk, without a list or a clock hand to maintain. A hit on
 * a young entry, the common case, is a single `Map.get` that allocates and writes nothing.
 *
 * It is not an exact LRU: it may drop down to half its bound at once.
 *
 * @module
 */

/** A map from text or numbers to `V` that forgets what was not used lately. `undefined` is not a value. */
export class GenerationalMap<V, K extends string | number = string> {
  readonly #half: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /**
   * @param bound Entries held at most; 2 for a bound of 1.
   * @throws {RangeError} If `bound` is not a positive integer.
   */
  constructor(bound: number) {
    if (!Number.isInteger(bound) || bound < 1) {
      throw new RangeError(`Cannot create a map as 'bound' must be a positive integer: ${bound}`);
    }
    this.#half = Math.max(1, Math.floor(bound / 2));
  }

  /** Entries held now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of `key`, which counts as a use. */
  get(key: K): V | undefined {
    const value = this.#young.get(key);
    return value !== undefined ? value : this.#revive(key);
  }

  /** Holds `value` under `key`, in the place of what was there. */
  set(key: K, value: V): void {
    if (!this.#young.has(key)) {
      this.#old.delete(key);
      if (this.#young.size === this.#half) {
        this.#old = this.#young;
        this.#young = new Map();
      }
    }
    this.#young.set(key, value);
  }

  /** Drops the entry of `key`, if there is one. */
  delete(key: K): void {
    if (!this.#young.delete(key)) this.#old.delete(key);
  }

  /** Drops everything. */
  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }

  /** All values, in no particular order; reading them is no use. */
  *values(): IterableIterator<V> {
    yield* this.#old.values();
    yield* this.#young.values();
  }

  #revive(key: K): V | undefined {
    const value = this.#old.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
}
