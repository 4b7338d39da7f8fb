/**
 * What several hosts share of an engine in memory: entries, leases, the channel, and a clock of its own; as faulty as a
 * test wants it. `fake_engine.ts` has the driver of one host.
 *
 * A call to a hung server takes effect when the server goes on, as with a process that was stopped.
 *
 * @module
 */

import type { Clock } from "../../src/base/clock.ts";
import type { Entry, EntryKey, EntryKind } from "../../src/fleet/types.ts";

/** What can be wrong, with the server or with the link of one host. */
export interface Faults {
  /**
   * `down`: refuses at once. `hung`: takes calls and answers none. A hung link swallows calls for good; a hung
   * server runs them once it is `up` again.
   */
  state: "up" | "down" | "hung";
  /** Replies come so late, ms. The call itself takes effect at once. */
  delay: number;
  /** Writes are refused. */
  isReadOnly: boolean;
  /** Messages of the channel get lost. */
  isDeaf: boolean;
  /** Stands for every text that is read, also where nothing is stored; `undefined` leaves things as they are. */
  forge: ((key: EntryKey) => string) | undefined;
}

/** No fault. */
export function healthy(): Faults {
  return { state: "up", delay: 0, isReadOnly: false, isDeaf: false, forge: undefined };
}

/** Text keys of entries: kind, then name. */
const keyOf = ({ kind, name }: EntryKey): string => `${kind}:${name}`;

/** The kinds of entries that a policy or a purge ends. */
const ENDED: Readonly<Partial<Record<EntryKind, readonly EntryKind[]>>> = {
  p: ["f"],
  t: ["p", "f"],
};

/** A host on the channel. */
export interface Hearer {
  /** A message arrives. @returns Whether anybody here hears it. */
  hear(message: string): boolean;
  /** Subscriptions begin again. */
  reopen(): void;
}

/** What several hosts share. */
export class FakeServer {
  /** What is wrong with it. */
  readonly faults: Faults = healthy();
  /** How far its clock is ahead of the test's, ms. */
  ahead = 0;
  /** How long a first connection takes, ms. */
  connectDelay = 0;
  /** Every call so far, by the name of the method. */
  readonly calls: string[] = [];
  /** What it holds, by kind and name: `p:a.example`. A test may write to it as an attacker would. */
  readonly entries = new Map<string, Entry>();
  /** Leases by domain. A test may put in one that never ends. */
  readonly leases = new Map<string, { token: string; until: number }>();
  readonly #clock: Clock;
  readonly #engines = new Set<Hearer>();
  #isMarked = false;
  #thawed: (() => void)[] = [];

  /** @param clock The test's; moves the delays. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Its time, ms. */
  now(): number {
    return this.#clock.now() + this.ahead;
  }

  /** One more host listens. */
  join(engine: Hearer): void {
    this.#engines.add(engine);
  }

  /** Waits, ms of the test's clock. */
  wait(delay: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(resolve, delay));
  }

  /** Changes its state. Once it is up, hung calls run, and lost subscriptions come back. */
  set(state: Faults["state"]): void {
    const before = this.faults.state;
    this.faults.state = state;
    if (state !== "up") return;
    for (const run of this.#thawed.splice(0)) run();
    if (before === "down") { for (const engine of this.#engines) engine.reopen(); }
  }

  /** Loses everything, as FLUSHALL. */
  empty(): void {
    this.entries.clear();
    this.leases.clear();
    this.#isMarked = false;
  }

  /** Sends a message on the channel, as any client of the engine can. @returns Who heard it. */
  broadcast(message: string): Hearer[] {
    if (this.faults.isDeaf) return [];
    return [...this.#engines].filter((engine) => engine.hear(message));
  }

  /** Sets the mark. @returns Whether it was not there. */
  mark(): boolean {
    const isNew = !this.#isMarked;
    this.#isMarked = true;
    return isNew;
  }

  /** Waits until the server is no longer hung. */
  thaw(): Promise<void> {
    if (this.faults.state !== "hung") return Promise.resolve();
    return new Promise((resolve) => this.#thawed.push(resolve));
  }

  /** Stores an entry as {@link Engine.publish} does. @returns Whether it was taken. */
  store(entry: Entry, isFilling: boolean): boolean {
    if (isFilling && this.get(entry) !== undefined) return false;
    this.entries.set(keyOf(entry), entry);
    for (const kind of ENDED[entry.kind] ?? []) {
      this.entries.delete(keyOf({ kind, name: entry.name }));
    }
    return true;
  }

  /** The text of an entry that it has not dropped, forged or not. */
  get(key: EntryKey): string | undefined {
    if (this.faults.forge !== undefined) return this.faults.forge(key);
    const entry = this.entries.get(keyOf(key));
    return entry === undefined || entry.expiresAt <= this.now() ? undefined : entry.sealed;
  }

  /** A lease that has not ended. */
  lease(domain: string): { token: string; until: number } | undefined {
    const lease = this.leases.get(domain);
    return lease === undefined || lease.until <= this.now() ? undefined : lease;
  }
}
