/**
 * The driver for Redis and Valkey, alone or behind sentinels.
 *
 * Keys are `<prefix>:<kind>:<name>`, `l` for leases, beside `<prefix>:mark`; they end by themselves. Commands are GET,
 * GETRANGE, SET, DEL, PEXPIREAT, MULTI, PUBLISH, SUBSCRIBE, SCAN, TIME and EVAL, and those on one domain stay in one MULTI.
 * A user without the right to EVAL compares by GET, which leaves a gap of one round trip.
 *
 * @module
 */

import type { ChainableCommander, Redis } from "ioredis";
import type { RedisAddress } from "./engine_address.ts";
import { EngineLink } from "./engine_link.ts";
import type { EngineOptions } from "./engine_options.ts";
import { createRedisOpener, type RedisConnection, toRedisError } from "./redis_client.ts";
import { entryOf, keysOf } from "./rival_entries.ts";
import { readRivalRows } from "./rival_redis.ts";
import { escapeGlob, execute, readTexts, timeOf } from "./redis_texts.ts";
import { createRedisSubscriber } from "./redis_subscriber.ts";
import { settleEntries } from "./settle_entries.ts";
import type { Engine, EngineError, Entry, EntryKey, EntryKind, LeaseReply } from "./types.ts";

/** Keys looked at for one part of a list; the server does nothing else meanwhile. */
const SCAN_COUNT = 500;

/** Puts a new token in the place of the own one. */
const RENEW =
  "if redis.call('get',KEYS[1])==ARGV[1] then redis.call('set',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1 end return 0";

/** Deletes a lease with the own token. */
const RELEASE =
  "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

/** A user without the right to EVAL, or a server without it. */
const NO_SCRIPTS = /\bNOPERM\b.*\beval\b|unknown command.*\beval\b/i;

/** What a driver is made of. */
export interface RedisEngineOptions extends EngineOptions {
  /** Where the server is. */
  readonly address: RedisAddress;
}

/** The driver. It connects with the first call. */
export class RedisEngine implements Engine {
  /** See {@link Engine.label}. */
  readonly label: string;
  readonly #options: RedisEngineOptions;
  readonly #link: EngineLink<RedisConnection>;
  readonly #subscribers = new Set<EngineLink<RedisConnection>>();
  readonly #channel: string;
  /** EVAL has not been refused. */
  #mayScript = true;

  /** Connects nowhere yet. */
  constructor(options: RedisEngineOptions) {
    const { address, tlsFiles, clock, label, prefix } = options;
    this.#options = options;
    this.label = label;
    this.#link = new EngineLink({
      open: createRedisOpener({ address, tlsFiles }),
      toError: toRedisError,
      clock,
    });
    // Channels, unlike keys, are those of all databases of a server.
    this.#channel = address.db === 0 ? `${prefix}:news` : `${prefix}:news:${address.db}`;
  }

  /** See {@link Engine.read}. */
  read(keys: readonly EntryKey[]): Promise<readonly (string | undefined)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    const { sealRival, clock } = this.#options;
    const policies = sealRival === undefined ? [] : keys.filter(({ kind }) => kind === "p");
    return this.#run(async (client) => {
      const [values, rows] = await Promise.all([
        readTexts(client.pipeline(), keys.map((key) => this.#keyOf(key))),
        readRivalRows(client, policies.flatMap(({ name }) => keysOf(name))),
      ]);
      return values.map((value, at) => {
        if (value !== undefined) return value;
        const { kind, name: domain } = keys[at]!;
        const entry = kind === "p" ? entryOf(rows, { domain, now: clock.now() }) : undefined;
        return entry && sealRival?.(entry);
      });
    });
  }

  /** See {@link Engine.claim}. */
  claim(
    domain: string,
    { token, ttl }: { readonly token: string; readonly ttl: number },
  ): Promise<LeaseReply> {
    return this.#run(async (client) => {
      const lease = this.#leaseOf(domain);
      const keys = (["p", "f", "t"] as const).map((kind) => this.#keyOf({ kind, name: domain }));
      const multi = client.multi().set(lease, token, "PX", ttl, "NX");
      const [holder, policy, failure, tombstone] = await readTexts(multi, [lease, ...keys]);
      return { isGranted: holder === token, holder, policy, failure, tombstone };
    });
  }

  /** See {@link Engine.renew}. */
  renew(
    domain: string,
    { token, next, ttl }: { readonly token: string; readonly next: string; readonly ttl: number },
  ): Promise<boolean> {
    const key = this.#leaseOf(domain);
    return this.#runScript(async (client, mayScript) => {
      if (mayScript) return await client.eval(RENEW, 1, key, token, next, ttl) === 1;
      if (await client.get(key) !== token) return false;
      return await client.set(key, next, "PX", ttl, "XX") === "OK";
    });
  }

  /** See {@link Engine.publish}. */
  async publish(
    entries: readonly Entry[],
    { released = [], isFilling = false }: NonNullable<Parameters<Engine["publish"]>[1]> = {},
  ): Promise<number | undefined> {
    const settled = settleEntries(entries);
    if (isFilling) return await this.#fill(settled);
    if (settled.length + released.length === 0) return 0;
    const replies = await this.#runScript((client, mayScript) => {
      const multi = client.multi();
      this.#store(multi, settled);
      for (const { domain, token } of released) {
        if (mayScript) multi.eval(RELEASE, 1, this.#leaseOf(domain), token);
        else multi.del(this.#leaseOf(domain));
      }
      for (const { sealed } of settled) multi.publish(this.#channel, sealed);
      return execute<number[]>(multi);
    });
    const heard = settled.length === 0 ? [] : replies.slice(-settled.length);
    const own = [...this.#subscribers].filter(({ isOpen }) => isOpen).length;
    return Math.max(0, Math.max(0, ...heard) - own);
  }

  /** See {@link Engine.release}. */
  release(domain: string, token: string): Promise<void> {
    const key = this.#leaseOf(domain);
    return this.#runScript(async (client, mayScript) => {
      if (mayScript) await client.eval(RELEASE, 1, key, token);
      else if (await client.get(key) === token) await client.del(key);
    });
  }

  /** See {@link Engine.announce}. */
  announce(message: string): Promise<void> {
    return this.#run(async (client) => void await client.publish(this.#channel, message));
  }

  /** See {@link Engine.listen}. */
  listen(listener: Parameters<Engine["listen"]>[0]): () => void {
    const channel = this.#channel;
    const subscriber = createRedisSubscriber(listener, { ...this.#options, channel });
    this.#subscribers.add(subscriber);
    subscriber.start();
    return () => {
      // `close` waits for the connection to end.
      void subscriber.close().then(() => this.#subscribers.delete(subscriber));
    };
  }

  /** See {@link Engine.list}. */
  list(
    kind: EntryKind,
    cursor: string | undefined,
  ): Promise<{ readonly sealed: readonly string[]; readonly cursor: string | undefined }> {
    const pattern = escapeGlob(this.#keyOf({ kind, name: "" })) + "*";
    return this.#run(async (client) => {
      const [next, keys] = await client.scan(cursor ?? "0", "MATCH", pattern, "COUNT", SCAN_COUNT);
      const values = await readTexts(client.pipeline(), keys);
      const sealed = values.filter((each) => each !== undefined);
      return { sealed, cursor: next === "0" ? undefined : next };
    });
  }

  /** See {@link Engine.time}. */
  time(): Promise<number> {
    return this.#run(timeOf);
  }

  /** See {@link Engine.mark}. */
  mark(): Promise<boolean> {
    const key = `${this.#options.prefix}:mark`;
    return this.#run(async (client) => await client.set(key, "1", "NX") === "OK");
  }

  /** See {@link Engine.reconnect}. */
  reconnect(): void {
    for (const each of [this.#link, ...this.#subscribers]) each.reconnect();
  }

  /** See {@link Engine.close}. */
  async close(): Promise<void> {
    await Promise.all([this.#link, ...this.#subscribers].map((each) => each.close()));
  }

  #keyOf({ kind, name }: EntryKey): string {
    return `${this.#options.prefix}:${kind}:${name}`;
  }

  #leaseOf(domain: string): string {
    return `${this.#options.prefix}:l:${domain}`;
  }

  /** Runs a call. A replica that was taken for the master is left. */
  async #run<T>(call: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await this.#link.run(({ client }) => call(client));
    } catch (error) {
      if ((error as EngineError).message.startsWith("READONLY")) this.#link.leave();
      throw error;
    }
  }

  /** Runs a call with a script in it, or without where scripts are not allowed. */
  async #runScript<T>(call: (client: Redis, mayScript: boolean) => Promise<T>): Promise<T> {
    const mayScript = this.#mayScript;
    try {
      return await this.#run((client) => call(client, mayScript));
    } catch (error) {
      if (!mayScript || !NO_SCRIPTS.test((error as EngineError).message)) throw error;
      this.#mayScript = false;
      return await this.#run((client) => call(client, false));
    }
  }

  #store(multi: ChainableCommander, entries: readonly Entry[]): void {
    for (const { kind, name } of entries) {
      const ended: EntryKind[] = kind === "p" ? ["f"] : kind === "t" ? ["p", "f", "x"] : [];
      if (ended.length > 0) multi.del(ended.map((each) => this.#keyOf({ kind: each, name })));
    }
    for (const entry of entries) {
      const key = this.#keyOf(entry);
      multi.set(key, entry.sealed).pexpireat(key, Math.ceil(entry.expiresAt));
    }
  }

  #fill(entries: readonly Entry[]): Promise<undefined> {
    return this.#run(async (client) => {
      const now = await timeOf(client);
      const multi = client.multi();
      for (const entry of entries) {
        // PEXPIREAT would also touch an entry that is there.
        const life = Math.ceil(entry.expiresAt - now);
        if (life > 0) multi.set(this.#keyOf(entry), entry.sealed, "PX", life, "NX");
      }
      if (multi.length > 0) await execute(multi);
      return undefined;
    });
  }
}
