/**
 * The driver for PostgreSQL: tables for entries and leases, NOTIFY for the news.
 *
 * Tables are created when a statement does not find them. A row keeps the newest entry, no matter which host writes
 * last. Publishing deletes expired rows now and then. Texts that do not fit into a NOTIFY are announced by their key,
 * and read by the hosts that receive it.
 *
 * @module
 */

import type { Endpoint } from "../base/address.ts";
import type { PostgresAddress } from "./engine_address.ts";
import { EngineLink, finishOpening } from "./engine_link.ts";
import type { EngineOptions } from "./engine_options.ts";
import {
  createPostgresOpener,
  isReadOnly,
  type PostgresConnection,
  toPostgresError,
} from "./postgres_client.ts";
import {
  NOTIFY_MAX_OCTETS,
  type PostgresStatements,
  sqlOfSchema,
  statementsOf,
} from "./postgres_schema.ts";
import { entryOf, keysOf, type RivalRow } from "./rival_entries.ts";
import { readRivalRows } from "./rival_postgres.ts";
import { settleEntries } from "./settle_entries.ts";
import {
  type Engine,
  EngineError,
  type Entry,
  type EntryKey,
  type EntryKind,
  type LeaseReply,
} from "./types.ts";

/** The connection for statements is closed after this many ms without one: PostgreSQL has 100 of them by default. */
const IDLE_MS = 30_000;

/** Publications between two rounds of pruning; each round deletes up to 100 rows, so it keeps up. */
const PRUNE_EVERY = 20;

/** Announces an entry by its key. No sealed text begins with it. */
const BY_KEY = ">";

const KINDS: readonly string[] = ["p", "f", "t", "x"] satisfies EntryKind[];

/** What a driver is made of. */
export interface PostgresEngineOptions extends EngineOptions {
  /** Where the servers are. */
  readonly address: PostgresAddress;
  /** The password for a server; `undefined` for none. */
  readonly passwordOf: (endpoint: Endpoint) => string | undefined;
}

/** The driver. It connects with the first call. */
export class PostgresEngine implements Engine {
  /** See {@link Engine.label}. */
  readonly label: string;
  readonly #options: PostgresEngineOptions;
  readonly #sql: PostgresStatements;
  readonly #link: EngineLink<PostgresConnection>;
  readonly #listeners = new Set<EngineLink<PostgresConnection>>();
  #published = 0;
  /** The other program's table could be read so far. */
  #hasRival = true;

  /**
   * Connects nowhere yet.
   *
   * @throws {RangeError} If the prefix cannot be that of tables.
   */
  constructor(options: PostgresEngineOptions) {
    this.#options = options;
    this.#sql = statementsOf(options.prefix);
    this.label = options.label;
    this.#link = new EngineLink({
      open: createPostgresOpener(options),
      toError: toPostgresError,
      clock: options.clock,
      idleMs: IDLE_MS,
    });
  }

  /** See {@link Engine.read}. */
  async read(keys: readonly EntryKey[]): Promise<readonly (string | undefined)[]> {
    if (keys.length === 0) return [];
    const asked = JSON.stringify(keys.map(({ kind, name }, n) => ({ n, kind, name })));
    const { sealRival, clock } = this.#options;
    const policies = sealRival !== undefined && this.#hasRival
      ? keys.filter(({ kind }) => kind === "p").flatMap(({ name }) => keysOf(name))
      : [];
    const [rows, rival] = await this.#run((connection) =>
      Promise.all([
        connection.query(this.#sql.read, [asked]),
        readRivalRows(connection, policies).catch((error) => {
          // A table that is locked, or a connection that is lost, comes back.
          if (toPostgresError(error).kind !== "unreachable") this.#hasRival = false;
          return new Map<string, RivalRow>();
        }),
      ])
    );
    return rows.map(({ sealed }, at) => {
      if (typeof sealed === "string") return sealed;
      const { kind, name: domain } = keys[at]!;
      const entry = kind === "p" ? entryOf(rival, { domain, now: clock.now() }) : undefined;
      return entry && sealRival?.(entry);
    });
  }

  /** See {@link Engine.claim}. */
  claim(
    domain: string,
    { token, ttl }: { readonly token: string; readonly ttl: number },
  ): Promise<LeaseReply> {
    return this.#run(async (connection) => {
      // A statement sees what was committed before it began, and the first one may have waited for a row.
      const [granted, [row]] = await Promise.all([
        connection.query(this.#sql.claim, [domain, token, ttl]),
        connection.query(this.#sql.claimed, [domain]),
      ]);
      const { holder, policy, failure, tombstone } = row as Record<string, string | null>;
      return {
        isGranted: granted.length === 1 || holder === token,
        holder: holder ?? undefined,
        policy: policy ?? undefined,
        failure: failure ?? undefined,
        tombstone: tombstone ?? undefined,
      };
    });
  }

  /** See {@link Engine.renew}. */
  async renew(
    domain: string,
    { token, next, ttl }: { readonly token: string; readonly next: string; readonly ttl: number },
  ): Promise<boolean> {
    return (await this.#query(this.#sql.renew, [domain, token, next, ttl])).length === 1;
  }

  /** See {@link Engine.publish}. */
  async publish(
    entries: readonly Entry[],
    { released = [], isFilling = false }: NonNullable<Parameters<Engine["publish"]>[1]> = {},
  ): Promise<number | undefined> {
    const settled = settleEntries(entries);
    if (settled.length + released.length === 0) return undefined;
    const given = JSON.stringify(
      settled.map(({ kind, name, sealed, at, expiresAt: until }) => ({
        kind,
        name,
        sealed,
        at,
        until,
      })),
    );
    if (isFilling) {
      await this.#query(this.#sql.fill, [given]);
      return undefined;
    }
    const messages = settled.map((entry) =>
      fitsNotify(entry.sealed) ? entry.sealed : `${BY_KEY}${entry.kind}:${entry.name}`
    );
    await this.#query(this.#sql.publish, [
      given,
      JSON.stringify(released),
      this.#sql.channel,
      JSON.stringify(messages),
    ]);
    if (this.#published++ % PRUNE_EVERY === 0) this.#query(this.#sql.prune, []).catch(() => {});
    return undefined;
  }

  /** See {@link Engine.release}. */
  async release(domain: string, token: string): Promise<void> {
    await this.#query(this.#sql.release, [domain, token]);
  }

  /** See {@link Engine.announce}. */
  async announce(message: string): Promise<void> {
    if (!fitsNotify(message)) throw new EngineError("wrong", "the message is too long for NOTIFY");
    await this.#query(this.#sql.notify, [this.#sql.channel, message]);
  }

  /** See {@link Engine.listen}. */
  listen(listener: Parameters<Engine["listen"]>[0]): () => void {
    const open = createPostgresOpener({
      ...this.#options,
      onNotify: (message) => this.#hear(message, listener.onMessage.bind(listener)),
    });
    const link = new EngineLink<PostgresConnection>({
      open: async (signal) => {
        const connection = await open(signal);
        await finishOpening(connection, signal, {
          step: () => connection.query(this.#sql.listen, []),
        });
        return connection;
      },
      toError: toPostgresError,
      clock: this.#options.clock,
      onOpen: () => listener.onOpen(),
    });
    this.#listeners.add(link);
    link.start();
    return () => void link.close().then(() => this.#listeners.delete(link));
  }

  /** See {@link Engine.list}. */
  async list(
    kind: EntryKind,
    cursor: string | undefined,
  ): Promise<{ readonly sealed: readonly string[]; readonly cursor: string | undefined }> {
    const rows = await this.#query(this.#sql.list, [kind, cursor ?? ""]);
    const last = rows.length < this.#sql.listPart ? undefined : rows.at(-1)?.name;
    return {
      sealed: rows.map(({ sealed }) => sealed as string),
      cursor: last as string | undefined,
    };
  }

  /** See {@link Engine.time}. */
  async time(): Promise<number> {
    const [row] = await this.#query(this.#sql.time, []);
    return row!.now as number;
  }

  /** See {@link Engine.mark}. */
  async mark(): Promise<boolean> {
    return (await this.#query(this.#sql.mark, [])).length === 1;
  }

  /** See {@link Engine.reconnect}. */
  reconnect(): void {
    for (const each of [this.#link, ...this.#listeners]) each.reconnect();
  }

  /** See {@link Engine.close}. */
  async close(): Promise<void> {
    await Promise.all([this.#link, ...this.#listeners].map((each) => each.close()));
  }

  #query(text: string, values: readonly unknown[]) {
    return this.#run((connection) => connection.query(text, values));
  }

  /** Runs a call; leaves a server that is no longer the primary one. */
  async #run<T>(call: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      return await this.#link.run((connection) =>
        call(connection).catch((error) => this.#again(toPostgresError(error), connection, call))
      );
    } catch (error) {
      if (isReadOnly(error as EngineError)) this.#link.leave();
      throw error;
    }
  }

  /** Runs a call once more, if it failed for want of tables, or because two hosts waited for each other. */
  async #again<T>(
    error: EngineError,
    connection: PostgresConnection,
    call: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    const [, state = ""] = /\(([0-9A-Z]{5})\)$/.exec(error.message) ?? [];
    if (state === "42P01") await connection.script(sqlOfSchema(this.#options.prefix));
    else if (state !== "40P01" && state !== "40001") throw error;
    return await call(connection);
  }

  #hear(message: string, tell: (message: string) => void): void {
    if (!message.startsWith(BY_KEY)) return tell(message);
    const [kind, name] = [message.slice(1, 2), message.slice(3)];
    if (!KINDS.includes(kind)) return;
    this.read([{ kind: kind as EntryKind, name }]).then(
      ([sealed]) => sealed !== undefined && tell(sealed),
      // A host that needs it reads it before a fetch.
      () => {},
    );
  }
}

/** Whether NOTIFY takes a text. */
function fitsNotify(text: string): boolean {
  return new TextEncoder().encode(text).length <= NOTIFY_MAX_OCTETS;
}
