/**
 * A bounded map for the hot path.
 *
 * The entries live in two generations of at most half the bounds each. New entries go
 * into the young one. When it is full, it becomes the old one, and the map drops what is left in
 * the former old one. An entry found in the old generation moves to the young one. So an entry
 * survives if it is used at least once while half a bound of other entries comes in. The rest is
 * dropped in bulk, without a list or a clock hand to maintain. A hit on a young entry, the common
 * case, is a single `Map.get` that allocates and writes nothing.
 *
 * This is no exact LRU: the map may drop to half its bounds at once.
 *
 * @module
 */

/** A bound on the memory that entries take, besides the bound on their number. */
export interface OctetBound<V> {
  /** Octets held at most. A value above half of it is alone in its generation. */
  readonly octets: number;
  /** About how many octets an entry with this value takes. Must not change while the value is held. */
  octetsOf(value: V): number;
}

/** Options of {@link GenerationalMap}. */
export interface GenerationalMapOptions<V> extends Partial<OctetBound<V>> {
  /** Called with each value that is dropped to make room. It must not change the map. */
  onDrop?(value: V): void;
}

/** Entries of one generation and the octets they take. */
interface Generation<K, V> {
  readonly entries: Map<K, V>;
  octets: number;
}

/** A map from text or numbers to `V` that drops what was not used lately. `undefined` is not a value. */
export class GenerationalMap<V, K extends string | number = string> {
  readonly #halfEntries: number;
  readonly #halfOctets: number;
  readonly #octetsOf: (value: V) => number;
  readonly #onDrop: ((value: V) => void) | undefined;
  #young: Generation<K, V> = emptyGeneration();
  #old: Generation<K, V> = emptyGeneration();

  /**
   * Creates an empty map.
   *
   * @param entries Entries held at most; a bound of 1 counts as 2.
   * @param options A bound on the octets, and a callback for dropped values.
   * @throws {RangeError} If `entries` is not a positive integer.
   */
  constructor(entries: number, options: GenerationalMapOptions<V> = {}) {
    if (!Number.isInteger(entries) || entries < 1) {
      throw new RangeError(
        `Cannot create a map as 'entries' must be a positive integer: ${entries}`,
      );
    }
    this.#halfEntries = Math.max(1, Math.floor(entries / 2));
    this.#halfOctets = (options.octets ?? Infinity) / 2;
    this.#octetsOf = options.octetsOf ?? (() => 0);
    this.#onDrop = options.onDrop;
  }

  /** Entries held now. */
  get size(): number {
    return this.#young.entries.size + this.#old.entries.size;
  }

  /** About how many octets they take; 0 if octets are not bounded. */
  get octets(): number {
    return this.#young.octets + this.#old.octets;
  }

  /** The value of `key`. This counts as a use. */
  get(key: K): V | undefined {
    const value = this.#young.entries.get(key);
    return value !== undefined ? value : this.#revive(key);
  }

  /** Holds `value` under `key`, in place of an earlier value. */
  set(key: K, value: V): void {
    this.delete(key);
    const octets = this.#octetsOf(value);
    const { entries } = this.#young;
    const isFull = entries.size === this.#halfEntries ||
      (entries.size > 0 && this.#young.octets + octets > this.#halfOctets);
    if (isFull) {
      const dropped = this.#old.entries;
      this.#old = this.#young;
      this.#young = emptyGeneration();
      if (this.#onDrop !== undefined) { for (const each of dropped.values()) this.#onDrop(each); }
    }
    this.#young.entries.set(key, value);
    this.#young.octets += octets;
  }

  /** Drops the entry of `key`, if there is one. */
  delete(key: K): void {
    if (!this.#take(this.#young, key)) this.#take(this.#old, key);
  }

  /** Drops everything. */
  clear(): void {
    this.#young = emptyGeneration();
    this.#old = emptyGeneration();
  }

  /** All entries, in no particular order. Reading them does not count as a use, and entries may be dropped meanwhile. */
  *entries(): IterableIterator<[key: K, value: V]> {
    yield* this.#old.entries;
    yield* this.#young.entries;
  }

  /** All values, in no particular order. Reading them does not count as a use. */
  *values(): IterableIterator<V> {
    yield* this.#old.entries.values();
    yield* this.#young.entries.values();
  }

  #revive(key: K): V | undefined {
    const value = this.#old.entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  #take(generation: Generation<K, V>, key: K): boolean {
    const value = generation.entries.get(key);
    if (value === undefined) return false;
    generation.entries.delete(key);
    generation.octets -= this.#octetsOf(value);
    return true;
  }
}

function emptyGeneration<K, V>(): Generation<K, V> {
  return { entries: new Map(), octets: 0 };
}
