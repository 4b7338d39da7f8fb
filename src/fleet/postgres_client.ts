/**
 * One connection to a PostgreSQL, by postgres.js; the only file that imports it.
 *
 * It does not reconnect: `engine_link.ts` does. Loaded with `await import()` when an engine is opened.
 *
 * @module
 */

import type { Socket } from "node:net";
import postgres from "postgres";
import type { Endpoint } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import { cutText, escapeMatches } from "../base/quote_text.ts";
import type { PostgresAddress, PostgresTarget, TlsFiles } from "./engine_address.ts";
import type { Connection } from "./engine_link.ts";
import { connectPostgres } from "./postgres_socket.ts";
import { EngineError } from "./types.ts";

/** Saying goodbye takes no longer than this many seconds. */
const END_SECONDS = 0.5;

/** A server that does not log us in is given up after this many seconds; `engine_link.ts` does so before. */
const LOGIN_SECONDS = 5;

/** Asks what the server is. */
const ROLE =
  "pg_is_in_recovery() AS standby, current_setting('transaction_read_only') AS read_only";

/**
 * Has the server give up a statement after this many ms, when nobody waits for it any more. It does not notice that a
 * client has gone while a statement waits for a lock, and each attempt would leave one more of its few connections
 * behind. Two hosts that wait for each other are parted after one second, perhaps more than once.
 */
const GIVE_UP = "set_config('statement_timeout', '5000', false)";

/** Characters of an error of the server that are kept. */
const MAX_ERROR_CHARS = 200;

/** SQLSTATE of a server that takes no writes at the moment, or none of this role: also `disk full`. */
const REFUSED = /^(?:25006|42501|53100)$/;

/** What a standby server says, and one that was made read-only: another one of the list may do. */
const READ_ONLY = /\(25006\)$|during recovery \(0A000\)$/;

/** SQLSTATE of a server that answers nothing at the moment, or nobody like us. */
const UNREACHABLE = /^(?:08|28|3D|40|53|55|57|58)/;

/** One connection. */
export interface PostgresConnection extends Connection {
  /** Runs a statement. The library sends one behind the other, without waiting for replies. */
  query(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Runs statements without values, in one transaction. */
  script(text: string): Promise<void>;
}

/** How to connect. */
export interface PostgresClientOptions {
  /** Where the servers are. */
  readonly address: PostgresAddress;
  /** The contents of the files in `address.tls`. */
  readonly tlsFiles: TlsFiles;
  /** The password for a server; `undefined` for none. */
  readonly passwordOf: (endpoint: Endpoint) => string | undefined;
  /** Ends attempts. */
  readonly clock: Pick<Clock, "setTimer">;
  /** Hears the channels that are listened to. */
  readonly onNotify?: (message: string) => void;
}

/** Makes connections. An attempt that was given up goes on with the next host, or it would never come to the last. */
export function createPostgresOpener(
  options: PostgresClientOptions,
): (signal: AbortSignal) => Promise<PostgresConnection> {
  const { endpoints, target } = options.address;
  let first = 0;
  return async (signal) => {
    const hosts = endpoints.map((_, at) => endpoints[(first + at) % endpoints.length]!);
    const rounds = roundsOf(target);
    let lastError: unknown;
    for (const isRight of rounds) {
      for (const endpoint of hosts) {
        first = (endpoints.indexOf(endpoint) + 1) % endpoints.length;
        signal.throwIfAborted();
        try {
          const connection = await openOne(endpoint, { ...options, isRight, signal });
          first = endpoints.indexOf(endpoint);
          return connection;
        } catch (error) {
          lastError = error;
        }
      }
    }
    throw lastError;
  };
}

/** What a server says of itself. */
interface Role {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

/** What is asked for, in turn: the first server that has it will do. */
function roundsOf(target: PostgresTarget): readonly ((role: Role) => boolean)[] {
  const isPrimary = ({ isStandby }: Role) => !isStandby;
  const isStandby = ({ isStandby }: Role) => isStandby;
  switch (target) {
    case "any":
      return [() => true];
    case "primary":
      return [isPrimary];
    case "prefer-primary":
      return [isPrimary, () => true];
    case "standby":
      return [isStandby];
    case "prefer-standby":
      return [isStandby, () => true];
    case "read-only":
      return [({ isStandby, isReadOnly }) => isStandby || isReadOnly];
  }
}

async function openOne(
  endpoint: Endpoint,
  { isRight, signal, ...options }: PostgresClientOptions & {
    readonly isRight: (role: Role) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<PostgresConnection> {
  const { address, tlsFiles, clock } = options;
  const socket = await connectPostgres(endpoint, {
    ...{ tls: address.tls, tlsFiles },
    clock,
    signal,
  });
  const connection = wrap(socket, createSql(socket, endpoint, options), address.isPreparing);
  const abort = () => connection.destroy();
  signal.addEventListener("abort", abort);
  try {
    // Behind a PgBouncer in transaction mode the setting would be that of other clients.
    const isOurs = address.isPreparing && !("statement_timeout" in address.parameters);
    const [role] = await connection.query(`SELECT ${isOurs ? `${GIVE_UP}, ` : ""}${ROLE}`, []);
    const isStandby = role?.standby === true;
    if (isRight({ isStandby, isReadOnly: role?.read_only === "on" })) return connection;
    throw new EngineError("unreachable", isStandby ? "a standby server" : "a primary server");
  } catch (error) {
    await connection.end();
    throw toPostgresError(error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function createSql(
  socket: Socket,
  endpoint: Endpoint,
  { address, passwordOf, onNotify }: PostgresClientOptions,
): postgres.Sql {
  let sockets = [socket];
  const options = {
    // Never used, but it would ask the environment for them.
    host: "localhost",
    port: 5432,
    ssl: false,
    // The socket is connected, and there is no other for a second connection.
    socket: () => {
      const [first] = sockets;
      sockets = [];
      if (first === undefined) throw new Error("connection closed");
      return first;
    },
    user: address.user,
    password: passwordOf(endpoint) ?? "",
    database: address.database,
    connection: { application_name: "mta-sts-resolver", ...address.parameters },
    max: 1,
    backoff: 0,
    connect_timeout: LOGIN_SECONDS,
    idle_timeout: null,
    max_lifetime: null,
    keep_alive: null,
    fetch_types: false,
    prepare: address.isPreparing,
    target_session_attrs: undefined,
    no_subscribe: true,
    onnotice: () => {},
    onnotify: (_channel: string, message: string) => onNotify?.(message),
  };
  return postgres(options as unknown as postgres.Options<Record<string, never>>);
}

function wrap(socket: Socket, sql: postgres.Sql, prepare: boolean): PostgresConnection {
  let isEnded = false;
  const listeners: (() => void)[] = [];
  socket.on("close", () => {
    isEnded = true;
    for (const listener of listeners) listener();
    sql.end({ timeout: 0 }).catch(() => {});
  });
  return {
    query: (text, values) =>
      sql.unsafe(text, values as string[], { prepare, simple: false } as never),
    script: async (text) => void await sql.unsafe(text),
    destroy: () => {
      socket.destroy();
      sql.end({ timeout: 0 }).catch(() => {});
    },
    end: async () => {
      await sql.end({ timeout: END_SECONDS });
      socket.destroy();
    },
    onEnd: (listener) => {
      const lost = () => listener(new EngineError("unreachable", "connection lost"));
      if (isEnded) lost();
      else listeners.push(lost);
    },
  };
}

/** Reads what the library throws: an error of the server with its SQLSTATE, or a loss. */
export function toPostgresError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const isReply = error instanceof Error && error.name === "PostgresError";
  const suffix = isReply ? ` (${code})` : "";
  const cut = cutText(messageOf(error), MAX_ERROR_CHARS) + suffix;
  const text = escapeMatches(cut, /[^ -~]/g);
  if (!isReply || typeof code !== "string") return new EngineError("unreachable", text);
  if (REFUSED.test(code) || READ_ONLY.test(text)) return new EngineError("refused", text);
  return new EngineError(UNREACHABLE.test(code) ? "unreachable" : "wrong", text);
}

/** Whether a server takes no writes because it is not the primary one, or no longer. */
export function isReadOnly(error: EngineError): boolean {
  return READ_ONLY.test(error.message);
}
