/**
 * A small HTTP server for metrics, health and the status page, and for policies: one request a
 * connection, heads only, everything bounded.
 *
 * Nobody keeps others out by holding connections: those that wait for their client are in a room where a
 * newcomer displaces the quietest (see waiting_room.ts), apart from the requests that are being answered.
 *
 * `Deno.serve` is not used: it bounds neither the number of connections nor the time a client takes
 * for its head, and it opens its sockets itself, where ours come with modes, from a former process's
 * leavings, or from systemd.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { readHead } from "./head.ts";
import { formatReply, type HttpReply, text } from "./reply.ts";
import { type HttpRequest, MAX_HEAD_BYTES, parseHead } from "./request.ts";
import type { Log } from "../base/telemetry.ts";
import { addressGroup, type Guest, WaitingRoom } from "./waiting_room.ts";

export { type HttpReply, text };

/** Requests answered at once unless told otherwise: a scraper, a probe and some people need few. */
const MAX_CONNECTIONS = 16;

/**
 * Connections that may wait for their client for each request that is answered at once, and at least how
 * many: a burst of good clients all wait for a moment.
 */
const WAITING_PER_CONNECTION = 4;
const MIN_WAITING = 64;

/**
 * The share of one address in the places to wait. One address can be a proxy or a NAT with many good
 * clients behind it, so it is large; and two attackers who fill the room displace each other before others.
 */
const SHARE_OF_ADDRESS = 1 / 2;

/** What a client may take for what comes before HTTP, such as the ClientHello of TLS, ms. */
const OPENING_MS = 3000;

/** What a client may take for the head of its request, ms. */
const HEAD_MS = 3000;

/** What a connection may take from accept to close, ms. */
const CONNECTION_MS = 10_000;

/** Pause after a failed accept, ms: out of files, it fails again at once. */
const ACCEPT_RETRY_MS = 1000;

/** A body nobody asked for is read and dropped up to this many bytes, lest its sender misses the reply. */
const MAX_DROPPED_BYTES = 65_536;

/** A connection; a `Deno.Conn` is one. */
export interface HttpConn extends Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close"> {
  readonly remoteAddr?: Deno.Addr;
  /** What comes before the first read, with a time of its own. @returns Whether there will be a request. */
  open?(): Promise<boolean>;
}

/** What connections are accepted from; a `Deno.Listener` is one. */
export interface HttpSource {
  accept(): Promise<HttpConn>;
  close(): void;
}

/** What {@link createHttpServer} works with. */
export interface HttpServerOptions {
  /** Answers a GET or HEAD; what it throws becomes status 500. */
  readonly handle: (request: HttpRequest) => HttpReply | Promise<HttpReply>;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every reply that was sent, those to malformed requests included. */
  readonly observe?: (exchange: HttpExchange) => void;
  /** Called for each connection that has lost its place to another, or found none. */
  readonly displaced?: () => void;
  /** Requests answered at once; others wait. @default {16} */
  readonly maxConnections?: number;
  /** Connections that wait for their client at once. @default {4 times `maxConnections`, at least 64} */
  readonly maxWaiting?: number;
}

/** What was asked and replied. */
export interface HttpExchange {
  /** `undefined` if it was malformed. */
  readonly request: HttpRequest | undefined;
  readonly reply: HttpReply;
  readonly peer: Deno.Addr | undefined;
}

/** A running server. */
export interface HttpServer {
  /** Accepts from a socket that is open; it is closed with the server. */
  serve(source: HttpSource): void;
  /** Closes all sockets and connections now. */
  close(): void;
}

/** A connection in hand. */
interface Served extends Guest {
  readonly conn: HttpConn;
  /** When it was accepted, ms. */
  readonly since: number;
  /** Cancels the end of its time. */
  cancel: () => void;
}

const TOO_LARGE = text(431, "The request is too large.");

/** Creates a server that listens nowhere yet. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { clock, log, observe, maxConnections = MAX_CONNECTIONS } = options;
  const places = options.maxWaiting ??
    Math.max(MIN_WAITING, WAITING_PER_CONNECTION * maxConnections);
  const sources = new Set<HttpSource>();
  const connections = new Set<Served>();
  const room = new WaitingRoom<Served>({
    places,
    perAddress: Math.ceil(places * SHARE_OF_ADDRESS),
    now: () => clock.now(),
    displace(served) {
      options.displaced?.();
      end(served);
    },
  });
  /** Requests being answered, and those whose turn is still to come. */
  let answering = 0;
  const queue = new Map<Served, (isThere: boolean) => void>();
  /** Resolved when a connection has ended. */
  let ended = Promise.withResolvers<void>();
  let isClosed = false;

  async function accept(source: HttpSource): Promise<void> {
    while (!isClosed) {
      try {
        const conn = await source.accept();
        const group = addressGroup(conn.remoteAddr);
        const served = { conn, group, since: clock.now(), cancel() {} };
        connections.add(served);
        if (await findPlace(served)) serveConnection(served);
        else end(served);
      } catch (error) {
        if (isClosed) return;
        log.warn("http accept failed", { error: String(error) });
        // Out of file descriptors, as a rule: a quiet connection has one that can be used better.
        room.displace();
        await new Promise<void>((resolve) => clock.setTimer(resolve, ACCEPT_RETRY_MS));
      }
    }
  }

  /** Waits while all places are kept. @returns Whether there is one. */
  async function findPlace(served: Served): Promise<boolean> {
    for (;;) {
      const delay = room.delay(served.group);
      if (delay === "refuse") options.displaced?.();
      if (delay === "refuse" || isClosed) return false;
      if (delay === 0) return true;
      const timer = Promise.withResolvers<void>();
      const cancel = clock.setTimer(timer.resolve, delay);
      await Promise.race([timer.promise, ended.promise]);
      cancel();
    }
  }

  /** Never rejects. */
  async function serveConnection(served: Served): Promise<void> {
    try {
      room.enter(served);
      const head = await receive(served);
      if (head !== undefined && await takeTurn(served)) {
        const exchange = await exchangeFor(head, served);
        // From here on it is the client again who is waited for.
        if (connections.has(served)) room.enter(served);
        await send(served, exchange);
      }
    } catch {
      // The client went away or was too slow: nothing to tell, and nobody to tell it to.
    }
    end(served);
  }

  /** Reads a head; each step has its time. */
  async function receive(served: Served): Promise<string | undefined> {
    const { conn } = served;
    if (conn.open !== undefined) {
      limitTime(served, OPENING_MS);
      if (!await conn.open()) return undefined;
      if (room.leave(served)) room.enter(served);
    }
    limitTime(served, HEAD_MS);
    return await readHead(conn);
  }

  /** Waits until fewer requests are answered than may be. @returns Whether the connection is there still. */
  async function takeTurn(served: Served): Promise<boolean> {
    limitTime(served, CONNECTION_MS);
    if (!connections.has(served)) return false;
    // In the queue it keeps its place in the room, which it can lose.
    if (answering >= maxConnections) {
      return await new Promise((resolve) => queue.set(served, resolve));
    }
    answering++;
    return room.leave(served);
  }

  /** Gives the turn to the request that has waited the longest. */
  function passTurn(): void {
    const [next] = queue;
    if (next === undefined) {
      answering--;
      return;
    }
    const [served, wake] = next;
    queue.delete(served);
    room.leave(served);
    wake(true);
  }

  async function exchangeFor(head: string, { conn }: Served): Promise<HttpExchange> {
    try {
      const tooLarge = head.length > MAX_HEAD_BYTES;
      const request = tooLarge ? undefined : parseHead(head);
      const reply = tooLarge ? TOO_LARGE : await answer(request);
      return { request, reply, peer: conn.remoteAddr };
    } finally {
      passTurn();
    }
  }

  async function send({ conn }: Served, exchange: HttpExchange): Promise<void> {
    const { request, reply } = exchange;
    await writeAll(conn, formatReply(reply, { headOnly: request?.method === "HEAD" }));
    observe?.(exchange);
    await conn.closeWrite();
    await dropRest(conn);
  }

  /** Ends a connection after so many milliseconds, and in time in any case. */
  function limitTime(served: Served, ms: number): void {
    served.cancel();
    if (!connections.has(served)) return;
    const left = Math.max(0, served.since + CONNECTION_MS - clock.now());
    served.cancel = clock.setTimer(() => end(served), Math.min(ms, left));
  }

  /** Also ends a read or write under way. */
  function end(served: Served): void {
    if (!connections.delete(served)) return;
    served.cancel();
    room.leave(served);
    const wake = queue.get(served);
    queue.delete(served);
    wake?.(false);
    try {
      served.conn.close();
    } catch {
      // Closed by the runtime already.
    }
    ended.resolve();
    ended = Promise.withResolvers<void>();
  }

  async function answer(request: HttpRequest | undefined): Promise<HttpReply> {
    if (request === undefined) return text(400, "This is no request in form.");
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      const refusal = text(405, "Only GET and HEAD are allowed.");
      return { ...refusal, headers: { allow: "GET, HEAD" } };
    }
    try {
      return await options.handle(request);
    } catch (error) {
      log.error("http request failed", {
        path: request.path,
        error: error instanceof Error ? error.stack : String(error),
      });
      return text(500, "There is a bug here; the log has more.");
    }
  }

  return {
    serve(source: HttpSource): void {
      sources.add(source);
      accept(source);
    },
    close(): void {
      isClosed = true;
      for (const source of sources) source.close();
      sources.clear();
      for (const served of [...connections]) end(served);
    },
  };
}

async function writeAll(conn: HttpConn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await conn.write(bytes.subarray(done));
}

/** A socket closed with unread data in it resets the connection, and the reply may be lost. */
async function dropRest(conn: HttpConn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let dropped = 0; dropped < MAX_DROPPED_BYTES;) {
    const count = await conn.read(buffer);
    if (count === null) return;
    dropped += count;
  }
}
