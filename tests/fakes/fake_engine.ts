/**
 * The driver of one host for an engine in memory, {@link FakeServer}: `new FakeEngine(server)` for each host.
 *
 * It can have faults of its own, as behind a link that is cut: a hung link swallows calls for good, and ends them at
 * `reconnect`.
 *
 * @module
 */

import {
  type Engine,
  EngineError,
  type Entry,
  type EntryKey,
  type EntryKind,
  type LeaseReply,
} from "../../src/fleet/types.ts";
import { FakeServer, type Faults, healthy, type Hearer } from "./fake_engine_server.ts";

export { FakeServer };

/** Entries in a part of {@link Engine.list}. */
const LIST_PART = 100;

/** The driver of one host. */
export class FakeEngine implements Engine, Hearer {
  readonly label = "fake://engine/0";
  /** What is wrong with this host's link, beside the server's faults. */
  readonly faults: Faults = healthy();
  /** Calls of {@link reconnect}. */
  reconnects = 0;
  /** Calls that have not settled. */
  pending = 0;
  readonly #server: FakeServer;
  readonly #connected: Promise<void>;
  readonly #listeners = new Set<Parameters<Engine["listen"]>[0]>();
  #cut = Promise.withResolvers<never>();
  #isClosed = false;

  /** @param server What this host shares with others. */
  constructor(server: FakeServer) {
    this.#server = server;
    server.join(this);
    this.#cut.promise.catch(() => {});
    this.#connected = server.connectDelay === 0
      ? Promise.resolve()
      : server.wait(server.connectDelay);
  }

  read(keys: readonly EntryKey[]): Promise<readonly (string | undefined)[]> {
    return this.#call("read", () => keys.map((key) => this.#get(key)));
  }

  claim(domain: string, lease: { token: string; ttl: number }): Promise<LeaseReply> {
    return this.#call("claim", () => {
      this.#requireWritable();
      const server = this.#server;
      if (server.lease(domain) === undefined) {
        server.leases.set(domain, { token: lease.token, until: server.now() + lease.ttl });
      }
      const holder = server.lease(domain)?.token;
      return {
        isGranted: holder === lease.token,
        holder,
        policy: this.#get({ kind: "p", name: domain }),
        failure: this.#get({ kind: "f", name: domain }),
        tombstone: this.#get({ kind: "t", name: domain }),
      };
    });
  }

  renew(domain: string, lease: { token: string; next: string; ttl: number }): Promise<boolean> {
    return this.#call("renew", () => {
      this.#requireWritable();
      if (this.#server.lease(domain)?.token !== lease.token) return false;
      const until = this.#server.now() + lease.ttl;
      this.#server.leases.set(domain, { token: lease.next, until });
      return true;
    });
  }

  publish(
    entries: readonly Entry[],
    options: Parameters<Engine["publish"]>[1] = {},
  ): Promise<number | undefined> {
    return this.#call("publish", () => {
      this.#requireWritable();
      const { released = [], isFilling = false } = options;
      const heard = new Set<Hearer>();
      for (const entry of entries) {
        if (!this.#server.store(entry, isFilling) || isFilling) continue;
        for (const engine of this.#server.broadcast(entry.sealed)) heard.add(engine);
      }
      for (const { domain, token } of released) this.#end(domain, token);
      heard.delete(this);
      return isFilling ? undefined : heard.size;
    });
  }

  release(domain: string, token: string): Promise<void> {
    return this.#call("release", () => {
      this.#requireWritable();
      this.#end(domain, token);
    });
  }

  announce(message: string): Promise<void> {
    return this.#call("announce", () => void this.#server.broadcast(message));
  }

  listen(listener: Parameters<Engine["listen"]>[0]): () => void {
    this.#listeners.add(listener);
    this.#connected.then(() => this.#open(listener));
    return () => void this.#listeners.delete(listener);
  }

  list(
    kind: EntryKind,
    cursor: string | undefined,
  ): Promise<{ sealed: readonly string[]; cursor: string | undefined }> {
    return this.#call("list", () => {
      const from = parseInt(cursor ?? "0", 10);
      const all = [...this.#server.entries.values()].filter((entry) => entry.kind === kind);
      const sealed = all.slice(from, from + LIST_PART).flatMap((entry) => this.#get(entry) ?? []);
      return { sealed, cursor: from + LIST_PART < all.length ? `${from + LIST_PART}` : undefined };
    });
  }

  time(): Promise<number> {
    return this.#call("time", () => this.#server.now());
  }

  mark(): Promise<boolean> {
    return this.#call("mark", () => {
      this.#requireWritable();
      return this.#server.mark();
    });
  }

  reconnect(): void {
    this.reconnects++;
    const cut = this.#cut;
    this.#cut = Promise.withResolvers<never>();
    this.#cut.promise.catch(() => {});
    cut.reject(new EngineError("unreachable", "connection dropped"));
    this.reopen();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#cut.reject(new EngineError("unreachable", "closed"));
    return Promise.resolve();
  }

  /** Has all subscriptions begin again. */
  reopen(): void {
    for (const listener of this.#listeners) this.#open(listener);
  }

  /** A message of the channel arrives. @returns Whether anybody here hears it. */
  hear(message: string): boolean {
    if (this.#isClosed || this.faults.isDeaf || this.faults.state !== "up") return false;
    for (const listener of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener.onMessage(message);
      });
    }
    return this.#listeners.size > 0;
  }

  #open(listener: Parameters<Engine["listen"]>[0]): void {
    const isUp = this.faults.state === "up" && this.#server.faults.state === "up";
    if (isUp && this.#listeners.has(listener)) listener.onOpen();
  }

  #get(key: EntryKey): string | undefined {
    return this.faults.forge === undefined ? this.#server.get(key) : this.faults.forge(key);
  }

  #end(domain: string, token: string): void {
    if (this.#server.lease(domain)?.token === token) this.#server.leases.delete(domain);
  }

  #requireWritable(): void {
    if (this.#server.faults.isReadOnly || this.faults.isReadOnly) {
      throw new EngineError("refused", "READONLY You can't write against a read only replica.");
    }
  }

  async #call<T>(name: string, run: () => T): Promise<T> {
    this.#server.calls.push(name);
    this.pending++;
    try {
      return await Promise.race([this.#cut.promise, this.#reach(run)]);
    } finally {
      this.pending--;
    }
  }

  async #reach<T>(run: () => T): Promise<T> {
    await this.#connected;
    const { faults: link } = this;
    const { faults } = this.#server;
    if (this.#isClosed || link.state === "down" || faults.state === "down") {
      throw new EngineError("unreachable", "connection refused");
    }
    if (link.state === "hung") return await new Promise<never>(() => {});
    await this.#server.thaw();
    const result = run();
    const delay = link.delay + faults.delay;
    if (delay > 0) await this.#server.wait(delay);
    return result;
  }
}
