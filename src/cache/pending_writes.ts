/**
 * Writes that the cache file has not taken yet: marks on policies and failed fetches, which are written in
 * groups, and, while the file cannot be written, everything else. What is pending hides what the file holds.
 *
 * The size is bounded. When it is exceeded, what is cheapest to lose goes first: marks, then the
 * results that can be learned again, then policies, always the oldest first. Removals stay:
 * an operator has asked for them.
 *
 * @module
 */

import { domainOfNextHop } from "./rows.ts";
import type { StoredFailure, StoredMx, StoredPolicy } from "./types.ts";

/** About what all pending writes may take in memory, in octets: some 30,000 ordinary policies. */
const PENDING_MAX_OCTETS = 16 * 1024 * 1024;

/** About what an entry takes beside its longest text, in octets. */
const ENTRY_OCTETS = 300;

/** About what a line that is kept for reports takes, in octets. */
const LINE_OCTETS = 40;

/** A change of times that leaves the rest of a policy as it is, ms. */
export interface Mark {
  /** The policy was last asked for then. */
  readonly lastUsedAt?: number;
  /** Its regular fetch is due then. */
  readonly refreshAt?: number;
}

/** What takes the writes; see {@link PendingWrites.writeTo}. */
export interface WriteTarget {
  /** Deletes all there is of a domain. */
  remove(domain: string): void;
  /** Stores a policy. */
  putPolicy(policy: StoredPolicy): void;
  /** Changes the times of a policy that are given. */
  markPolicy(domain: string, mark: Mark): void;
  /** Deletes the failure of a domain. */
  clearFailure(domain: string): void;
  /** Stores a failure. */
  putFailure(failure: StoredFailure): void;
  /** Stores what is known of a next hop. */
  putMx(mx: StoredMx): void;
}

/** What was dropped because there was no room. */
export type Dropped = "marks" | "results" | "policies";

/** The pending writes. Getters give `undefined` for "ask the file", `null` for "there is none". */
export class PendingWrites {
  readonly #onDrop: (dropped: Dropped) => void;
  readonly #maxOctets: number;
  #octets = 0;
  readonly #removed = new Set<string>();
  readonly #policies = new Map<string, StoredPolicy>();
  readonly #marks = new Map<string, Mark>();
  /** `null` is a failure that was cleared. */
  readonly #failures = new Map<string, StoredFailure | null>();
  readonly #mx = new Map<string, StoredMx>();

  /**
   * Holds nothing yet.
   *
   * @param onDrop Called for each entry that is dropped.
   * @param maxOctets The bound, for tests.
   */
  constructor(onDrop: (dropped: Dropped) => void, maxOctets: number = PENDING_MAX_OCTETS) {
    this.#onDrop = onDrop;
    this.#maxOctets = maxOctets;
  }

  /** Number of entries. */
  get size(): number {
    return this.#removed.size + this.#policies.size + this.#marks.size + this.#failures.size +
      this.#mx.size;
  }

  /** About how many octets of memory the entries take. */
  get octets(): number {
    return this.#octets;
  }

  /** Number of policies with marks. */
  get marks(): number {
    return this.#marks.size;
  }

  /** Number of results: failures, cleared ones too, and next hops. */
  get results(): number {
    return this.#failures.size + this.#mx.size;
  }

  /** The policy of a domain, without its mark. */
  getPolicy(domain: string): StoredPolicy | null | undefined {
    return this.#policies.get(domain) ?? (this.#removed.has(domain) ? null : undefined);
  }

  /** The failure of a domain. */
  getFailure(domain: string): StoredFailure | null | undefined {
    const failure = this.#failures.get(domain);
    return failure === undefined && this.#removed.has(domain) ? null : failure;
  }

  /** What is known of a next hop. */
  getMx(nextHop: string): StoredMx | null | undefined {
    return this.#mx.get(nextHop) ??
      (this.#removed.has(domainOfNextHop(nextHop)) ? null : undefined);
  }

  /** Holds a policy, in place of an earlier one and its mark. */
  putPolicy(policy: StoredPolicy): void {
    this.dropMark(policy.domain);
    this.#put(this.#policies, policy.domain, policy);
  }

  /** Holds a failure. */
  putFailure(failure: StoredFailure): void {
    this.#put(this.#failures, failure.domain, failure);
  }

  /** Holds that the failure of a domain is cleared. */
  clearFailure(domain: string): void {
    this.#put(this.#failures, domain, null);
  }

  /** Holds what is known of a next hop. */
  putMx(mx: StoredMx): void {
    this.#put(this.#mx, mx.nextHop, mx);
  }

  /** Adds to the mark of a policy. */
  mark(domain: string, mark: Mark): void {
    this.#put(this.#marks, domain, { ...this.#marks.get(domain), ...mark });
  }

  /** Forgets the mark of a policy that has been written anew. */
  dropMark(domain: string): void {
    this.#take(this.#marks, domain);
  }

  /** Drops all there is of a domain here. */
  forget(domain: string): void {
    this.dropMark(domain);
    this.#take(this.#policies, domain);
    this.#take(this.#failures, domain);
    for (const nextHop of this.#mx.keys()) {
      if (domainOfNextHop(nextHop) === domain) this.#take(this.#mx, nextHop);
    }
  }

  /** Removes all there is of a domain, here and, once written, in the file. */
  remove(domain: string): void {
    this.forget(domain);
    if (!this.#removed.has(domain)) this.#octets += ENTRY_OCTETS;
    this.#removed.add(domain);
  }

  /** The policy with its mark, if it has one. */
  marked(policy: StoredPolicy): StoredPolicy {
    const mark = this.#marks.get(policy.domain);
    return mark === undefined ? policy : { ...policy, ...mark };
  }

  /** The policies here. */
  policies(): StoredPolicy[] {
    return Array.from(this.#policies.values(), (policy) => this.marked(policy));
  }

  /** The domains that are removed, and not stored again since. */
  removed(): string[] {
    return [...this.#removed].filter((domain) => !this.#policies.has(domain));
  }

  /** The failures here. */
  failures(): StoredFailure[] {
    return [...this.#failures.values()].filter((failure) => failure !== null);
  }

  /** Number of failures here that forbid a fetch at `now`, ms. */
  countHeldOff(now: number): number {
    return this.failures().filter(({ retryAt }) => retryAt > now).length;
  }

  /** Writes everything to `target`, which may throw; nothing is forgotten before {@link clear}. */
  writeTo(target: WriteTarget): void {
    for (const domain of this.#removed) target.remove(domain);
    for (const policy of this.#policies.values()) target.putPolicy(policy);
    for (const [domain, mark] of this.#marks) target.markPolicy(domain, mark);
    this.writeResultsTo(target);
  }

  /** Writes the results to `target`; they are forgotten by {@link clearResults}. */
  writeResultsTo(target: WriteTarget): void {
    for (const [domain, failure] of this.#failures) {
      if (failure === null) target.clearFailure(domain);
      else target.putFailure(failure);
    }
    for (const mx of this.#mx.values()) target.putMx(mx);
  }

  /** Forgets the results. */
  clearResults(): void {
    for (const domain of this.#failures.keys()) this.#take(this.#failures, domain);
    for (const nextHop of this.#mx.keys()) this.#take(this.#mx, nextHop);
  }

  /** Forgets everything. */
  clear(): void {
    for (const entries of [this.#removed, this.#policies, this.#marks, this.#failures, this.#mx]) {
      entries.clear();
    }
    this.#octets = 0;
  }

  #put<V>(entries: Map<string, V>, key: string, value: V): void {
    // Taken out first, so that the entry becomes the youngest.
    this.#take(entries, key);
    entries.set(key, value);
    this.#octets += octetsOf(value);
    while (this.#octets > this.#maxOctets && this.#dropOldest());
  }

  #take<V>(entries: Map<string, V>, key: string): void {
    const value = entries.get(key);
    if (value === undefined) return;
    entries.delete(key);
    this.#octets -= octetsOf(value);
  }

  /** @returns Whether there was anything to drop. */
  #dropOldest(): boolean {
    const order: [Dropped, Map<string, unknown>][] = [
      ["marks", this.#marks],
      ["results", this.#failures],
      ["results", this.#mx],
      ["policies", this.#policies],
    ];
    for (const [name, entries] of order) {
      for (const key of entries.keys()) {
        this.#take(entries, key);
        this.#onDrop(name);
        return true;
      }
    }
    return false;
  }
}

function octetsOf(value: unknown): number {
  const { text = "", strings = [], detail = "", json = "" } = (value ?? {}) as Partial<
    StoredPolicy & StoredFailure & StoredMx
  >;
  const lines = LINE_OCTETS * strings.length;
  return ENTRY_OCTETS + text.length + lines + detail.length + json.length;
}
