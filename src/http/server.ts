/**
 * A small HTTP server for metrics, health and the status page, for policies, and for reports that are posted: one
 * request per connection, everything bounded. Bodies are read only for a server that takes POST.
 *
 * A client cannot keep others out by holding connections. Connections that wait for their client are in a room
 * where a newcomer displaces the quietest (see waiting_room.ts). Requests that are being answered are not in it.
 *
 * `Deno.serve` is not used. It bounds neither the number of connections nor the time for a head, and it
 * opens its sockets itself, while ours have a mode, replace a stale socket file, or come from systemd.
 *
 * @module
 */

import { tryClose, writeAll } from "../base/connection.ts";
import { stackOf } from "../base/error_text.ts";
import { receiveHead } from "./head.ts";
import { receiveBody } from "./post.ts";
import { formatReply, type HttpReply, text } from "./reply.ts";
import { type HttpRequest, MAX_HEAD_BYTES, parseHead } from "./request.ts";
import { sleep, withDeadline } from "../base/wait.ts";
import type {
  HttpConn,
  HttpExchange,
  HttpServer,
  HttpServerOptions,
  HttpSource,
} from "./server_types.ts";
import { Turns } from "./turns.ts";
import { addressGroup, type Guest, WaitingRoom } from "./waiting_room.ts";

export { type HttpReply, text };
export type {
  HttpConn,
  HttpExchange,
  HttpServer,
  HttpServerOptions,
  HttpSource,
} from "./server_types.ts";

/** Requests answered at once by default. A scraper, a probe and a few people need no more. */
const MAX_CONNECTIONS = 16;

/**
 * Connections that may wait for their client, per request answered at once, and the least number of them:
 * in a burst, all good clients wait for a moment.
 */
const WAITING_PER_CONNECTION = 4;
const MIN_WAITING = 64;

/**
 * The share of one address in the places to wait. It is large because one address can be a proxy or a NAT
 * with many good clients behind it. Two attackers who fill the room displace each other before others.
 */
const SHARE_OF_ADDRESS = 1 / 2;

/** How long a client may take for what precedes HTTP, such as the ClientHello of TLS, ms. */
const OPENING_MS = 3000;

/** How long a client may take for the head of its request, ms. */
const HEAD_MS = 3000;

/** How long a connection may last from accept to close, ms. */
const CONNECTION_MS = 10_000;

/** Pause after a failed accept, ms. While the process is out of file descriptors, the next one fails at once. */
const ACCEPT_RETRY_MS = 1000;

/** How much of an unwanted body the server reads and drops, bytes. Otherwise its sender can miss the reply. */
const MAX_DROPPED_BYTES = 65_536;

/** A connection being served. */
interface Served extends Guest {
  readonly conn: HttpConn;
  /** When it was accepted, ms. */
  readonly since: number;
  /** Cancels its time limit. */
  cancel: () => void;
}

/** A request as far as it was read. */
interface Received {
  /** `undefined` if it is malformed. */
  readonly request: HttpRequest | undefined;
  /** The body of a POST that is wanted. */
  readonly body?: Uint8Array;
  /** The reply to a request that is not answered otherwise. */
  readonly refusal?: HttpReply;
}

const TOO_LARGE = text(431, "The request is too large.");

/** Creates a server that listens nowhere yet. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  return new Server(options);
}

class Server implements HttpServer {
  readonly #options: HttpServerOptions;
  readonly #sources = new Set<HttpSource>();
  readonly #connections = new Set<Served>();
  /** The connections that wait for their client, or for their turn. */
  readonly #room: WaitingRoom<Served>;
  readonly #turns: Turns<Served>;
  /** Resolved when a connection has ended. */
  #ended = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(options: HttpServerOptions) {
    const { clock, maxConnections = MAX_CONNECTIONS } = options;
    const places = options.maxWaiting ??
      Math.max(MIN_WAITING, WAITING_PER_CONNECTION * maxConnections);
    this.#options = options;
    this.#room = new WaitingRoom<Served>({
      places,
      perAddress: Math.ceil(places * SHARE_OF_ADDRESS),
      now: () => clock.now(),
      displace: (served) => {
        options.displaced?.();
        this.#end(served);
      },
    });
    // A connection that waits for its turn stays in the room, so it can lose its place.
    this.#turns = new Turns(maxConnections, (served) => this.#room.leave(served));
  }

  serve(source: HttpSource): void {
    this.#sources.add(source);
    this.#accept(source);
  }

  close(): void {
    this.#isClosed = true;
    for (const source of this.#sources) source.close();
    this.#sources.clear();
    for (const served of [...this.#connections]) this.#end(served);
  }

  async #accept(source: HttpSource): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#isClosed) {
      try {
        const conn = await source.accept();
        const group = addressGroup(conn.remoteAddr);
        const served = { conn, group, since: clock.now(), cancel() {} };
        this.#connections.add(served);
        if (await this.#findPlace(served)) this.#serveConnection(served);
        else this.#end(served);
      } catch (error) {
        if (this.#isClosed) return;
        log.warn("http accept failed", { error: String(error) });
        // Usually out of file descriptors: the quietest connection gives its own to another client.
        this.#room.displace();
        await sleep(ACCEPT_RETRY_MS, clock);
      }
    }
  }

  /** Waits while no place can be had. @returns Whether there is one. */
  async #findPlace(served: Served): Promise<boolean> {
    const { clock, displaced } = this.#options;
    for (;;) {
      const delay = this.#room.delay(served.group);
      if (delay === "refuse") displaced?.();
      if (delay === "refuse" || this.#isClosed) return false;
      if (delay === 0) return true;
      await withDeadline(this.#ended.promise, { ms: delay, clock });
    }
  }

  /** Never rejects. */
  async #serveConnection(served: Served): Promise<void> {
    try {
      this.#room.enter(served);
      const received = await this.#receive(served);
      if (received !== undefined && await this.#takeTurn(served)) {
        const exchange = await this.#exchange(received, served);
        // From here on, the connection waits for its client again.
        if (this.#connections.has(served)) this.#room.enter(served);
        await this.#send(served, exchange);
      }
    } catch {
      // The client left or was too slow: there is nothing to report and nobody to report it to.
    }
    this.#end(served);
  }

  /** Reads a request; each step has its own time limit. */
  async #receive(served: Served): Promise<Received | undefined> {
    const { conn } = served;
    if (conn.open !== undefined) {
      this.#limitTime(served, OPENING_MS);
      if (!await conn.open()) return undefined;
      if (this.#room.leave(served)) this.#room.enter(served);
    }
    this.#limitTime(served, HEAD_MS);
    const received = await receiveHead(conn);
    if (received === undefined) return undefined;
    const { head, rest } = received;
    if (head.length > MAX_HEAD_BYTES) return { request: undefined, refusal: TOO_LARGE };
    const request = parseHead(head);
    const { post } = this.#options;
    if (request?.method !== "POST" || post === undefined) return { request };
    if (this.#room.leave(served)) this.#room.enter(served);
    this.#limitTime(served, CONNECTION_MS);
    const body = await receiveBody(conn, { request, head, rest, post });
    return body instanceof Uint8Array ? { request, body } : { request, refusal: body };
  }

  /** Waits for a turn to answer. @returns Whether the connection is still there. */
  async #takeTurn(served: Served): Promise<boolean> {
    this.#limitTime(served, CONNECTION_MS);
    return this.#connections.has(served) && await this.#turns.take(served);
  }

  async #exchange(received: Received, { conn }: Served): Promise<HttpExchange> {
    try {
      const { request, refusal } = received;
      const reply = refusal ?? await this.#answer(received);
      return { request, reply, peer: conn.remoteAddr };
    } finally {
      this.#turns.pass();
    }
  }

  async #answer({ request, body }: Received): Promise<HttpReply> {
    if (request === undefined) return text(400, "The request is malformed.");
    const { method } = request;
    const { handle, post } = this.#options;
    try {
      if (body !== undefined && post !== undefined) return await post.handle(request, body);
      if (method === "GET" || method === "HEAD") return await handle(request);
      const refusal = text(405, "Only GET and HEAD are allowed.");
      return { ...refusal, headers: { allow: "GET, HEAD" } };
    } catch (error) {
      this.#options.log.error("http request failed", {
        path: request.path,
        error: stackOf(error),
      });
      return text(500, "Internal error. The log has the details.");
    }
  }

  async #send({ conn }: Served, exchange: HttpExchange): Promise<void> {
    const { request, reply } = exchange;
    await writeAll(conn, formatReply(reply, { headOnly: request?.method === "HEAD" }));
    this.#options.observe?.(exchange);
    await conn.closeWrite();
    await dropRest(conn);
  }

  /** Ends a connection after this many milliseconds, and never later than {@link CONNECTION_MS} allows. */
  #limitTime(served: Served, ms: number): void {
    const { clock } = this.#options;
    served.cancel();
    if (!this.#connections.has(served)) return;
    const left = Math.max(0, served.since + CONNECTION_MS - clock.now());
    served.cancel = clock.setTimer(() => this.#end(served), Math.min(ms, left));
  }

  /** Also ends a read or write under way. */
  #end(served: Served): void {
    if (!this.#connections.delete(served)) return;
    served.cancel();
    this.#room.leave(served);
    this.#turns.withdraw(served);
    tryClose(served.conn);
    this.#ended.resolve();
    this.#ended = Promise.withResolvers<void>();
  }
}

/** Closing a socket with unread data resets the connection, and the reply can be lost. */
async function dropRest(conn: HttpConn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let dropped = 0; dropped < MAX_DROPPED_BYTES;) {
    const count = await conn.read(buffer);
    if (count === null) return;
    dropped += count;
  }
}
