/**
 * One connection to a Redis or Valkey, by ioredis; the only file that imports it.
 *
 * It does not reconnect: `engine_link.ts` does, because ioredis has waits that nothing cancels. Loaded with
 * `await import()` when an engine is opened.
 *
 * @module
 */

import { Redis, type RedisOptions, SentinelConnector } from "ioredis";
import type { Endpoint } from "../base/address.ts";
import { cutText, escapeMatches } from "../base/quote_text.ts";
import type { RedisAddress, TlsFiles } from "./engine_address.ts";
import { type Connection, finishOpening } from "./engine_link.ts";
import { EngineError } from "./types.ts";

/** A TCP or TLS connection is given up after this many ms. */
const CONNECT_MS = 1_000;

/** A sentinel is given up after this many ms; the next one is asked. */
const SENTINEL_MS = 500;

/** Characters of an error of the engine that are kept. */
const MAX_ERROR_CHARS = 200;

/** What the library says of a connection of which it has told the reason elsewhere. */
const CLOSED = "Connection is closed.";

/** The first words of errors of a server that takes no writes at the moment, or none of this user. */
const REFUSED = /^(?:READONLY|OOM|MISCONF|NOPERM|NOREPLICAS)\b/;

/** The first words of errors of a server that answers nothing at the moment, or nobody like us. */
const UNREACHABLE =
  /^(?:NOAUTH|WRONGPASS|LOADING|MASTERDOWN|BUSY|CLUSTERDOWN|TRYAGAIN|UNBLOCKED)\b|^ERR (?:max number of clients|invalid password|Client sent AUTH)/;

/** A server that does not know a command repeats its arguments: those of AUTH are the password. */
const ARGUMENTS = /,? with args beginning with:[^]*$/;

/** What the library has in `connectToSentinel`, which its types call private. */
interface OpensSentinels {
  connectToSentinel(endpoint: unknown, options?: object): Redis;
}

/** Asks sentinels. The library prints the errors of its clients for them, unless somebody listens. */
function connectorFor(onError: (error: unknown) => void): NonNullable<RedisOptions["Connector"]> {
  const Base = SentinelConnector as unknown as new (options: RedisOptions) => OpensSentinels;
  class Connector extends Base {
    override connectToSentinel(endpoint: unknown, options?: object): Redis {
      const quick = { ...options, disconnectTimeout: 0 };
      return super.connectToSentinel(endpoint, quick).on("error", onError);
    }
  }
  return Connector as unknown as NonNullable<RedisOptions["Connector"]>;
}

/**
 * One connection.
 *
 * @internal
 */
export interface RedisConnection extends Connection {
  /** The client of the library, connected. */
  readonly client: Redis;
}

/** How to connect. */
export interface RedisClientOptions {
  /** Where the server is. */
  readonly address: RedisAddress;
  /** The contents of the files in `address.tls`. */
  readonly tlsFiles: TlsFiles;
}

/**
 * Makes connections.
 *
 * The next attempt after a failure begins with the next sentinel: one that lost touch with the others may name an old
 * master for a long time.
 *
 * @returns Connects, and logs in; rejects with an `EngineError` of kind `unreachable`, with the reason.
 */
export function createRedisOpener(
  options: RedisClientOptions,
): (signal: AbortSignal) => Promise<RedisConnection> {
  const { address } = options;
  const { endpoints, sentinel } = address;
  let first = 0;
  return async (signal) => {
    const rotated = [...endpoints.slice(first), ...endpoints.slice(0, first)];
    try {
      const connection = await openClient(
        { ...options, address: { ...address, endpoints: rotated } },
        signal,
      );
      if (sentinel !== undefined) {
        await finishOpening(connection, signal, { step: () => requireMaster(connection.client) });
      }
      return connection;
    } catch (error) {
      first = (first + 1) % endpoints.length;
      throw error;
    }
  };
}

/** A replica will not do. Without the right to ask, the first write will tell. */
async function requireMaster(client: Redis): Promise<void> {
  const role = await client.role().catch((error: unknown) => {
    const failure = toRedisError(error);
    if (failure.kind === "unreachable") throw failure;
    return undefined;
  });
  if (role === undefined || `${role[0]}` === "master") return;
  throw new EngineError("unreachable", "the sentinels name a server that is no master");
}

async function openClient(
  options: RedisClientOptions,
  signal: AbortSignal,
): Promise<RedisConnection> {
  let lastError: unknown;
  let sentinelError: unknown;
  const client = new Redis(clientOptions(options, (error) => sentinelError = error));
  client.on("error", (error: unknown) => lastError = error);
  client.on("sentinelError", (error: unknown) => lastError = error);
  let isLeft = false;
  const destroy = () => {
    isLeft = true;
    client.disconnect();
    // Not there before the sentinels have answered.
    (client.stream as typeof client.stream | undefined)?.destroy();
  };
  signal.addEventListener("abort", destroy);
  try {
    await client.connect();
  } catch (error) {
    destroy();
    const failure = toRedisError(lastError ?? error, "unreachable");
    if (sentinelError === undefined || !failure.message.endsWith(CLOSED)) throw failure;
    throw new EngineError("unreachable", `sentinel: ${toRedisError(sentinelError).message}`);
  } finally {
    signal.removeEventListener("abort", destroy);
  }
  // The library keeps listening to the sentinels for a connection that was lost.
  client.once("end", () => isLeft || client.disconnect());
  return {
    client,
    destroy,
    end: async () => {
      const hasEnded = client.status === "end";
      const ended = new Promise<void>((resolve) => client.once("end", () => resolve()));
      destroy();
      if (!hasEnded) await ended;
      // The library looks once more, in a timer without delay, whether its sockets are closed.
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
    onEnd: (listener) => {
      const lost = () => listener(toRedisError(lastError ?? "connection lost", "unreachable"));
      if (client.status === "end") lost();
      else client.once("end", lost);
    },
  };
}

function tlsOptionsOf(
  tls: NonNullable<RedisAddress["tls"]>,
  tlsFiles: TlsFiles,
): NonNullable<RedisOptions["tls"]> {
  return {
    ...(tlsFiles.ca !== undefined && { ca: [...tlsFiles.ca] }),
    ...(tlsFiles.cert !== undefined && { cert: tlsFiles.cert }),
    ...(tlsFiles.key !== undefined && { key: tlsFiles.key }),
    ...(tls.keyPassword !== undefined && { passphrase: tls.keyPassword }),
    rejectUnauthorized: tls.verify !== "none",
    ...(tls.verify === "issuer" && { checkServerIdentity: () => undefined }),
  };
}

function clientOptions(
  { address, tlsFiles }: RedisClientOptions,
  onSentinelError: (error: unknown) => void,
): RedisOptions {
  const { endpoints, sentinel, tls } = address;
  const [first] = endpoints as readonly [Endpoint];
  const secure = tls && tlsOptionsOf(tls, tlsFiles);
  return {
    ...(sentinel === undefined
      ? first.kind === "unix" ? { path: first.path } : {
        host: first.hostname,
        port: first.port,
        ...(secure && { tls: secure }),
      }
      : {
        sentinels: endpoints.flatMap((each) =>
          each.kind === "inet" ? [{ host: each.hostname, port: each.port }] : []
        ),
        name: sentinel.masterName,
        ...(sentinel.username !== undefined && { sentinelUsername: sentinel.username }),
        ...(sentinel.password !== undefined && { sentinelPassword: sentinel.password }),
        sentinelCommandTimeout: SENTINEL_MS,
        sentinelRetryStrategy: () => null,
        sentinelReconnectStrategy: () => CONNECT_MS,
        failoverDetector: true,
        Connector: connectorFor(onSentinelError),
        ...(secure && { tls: secure, sentinelTLS: secure, enableTLSForSentinelMode: true }),
      }),
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    db: address.db,
    protocol: 2,
    lazyConnect: true,
    connectionName: "mta-sts-resolver",
    connectTimeout: CONNECT_MS,
    // It asks INFO, to which few users have the right, and prints that.
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    disconnectTimeout: 0,
    retryStrategy: () => null,
  };
}

/**
 * Reads what the library throws: an error reply, or a loss.
 *
 * @param otherwise The kind of an error that is not a reply of the server.
 */
export function toRedisError(
  error: unknown,
  otherwise: EngineError["kind"] = "unreachable",
): EngineError {
  if (error instanceof EngineError) return error;
  const cause = causeOf(error);
  const words = cause instanceof Error ? cause.message : String(cause);
  const message = words.replace(ARGUMENTS, "");
  const text = escapeMatches(cutText(message || "connection failed", MAX_ERROR_CHARS), /[^ -~]/g);
  if (REFUSED.test(message)) return new EngineError("refused", text);
  const isReply = cause instanceof Error && cause.name === "ReplyError";
  if (!isReply) return new EngineError(otherwise, text);
  return new EngineError(UNREACHABLE.test(message) ? "unreachable" : "wrong", text);
}

/** The error that made a transaction fail, or the connection to the last of several addresses. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { previousErrors, errors } = error as Error & Record<string, unknown>;
  for (const list of [previousErrors, errors]) {
    if (Array.isArray(list) && list[0] instanceof Error) return list[0];
  }
  return error;
}
