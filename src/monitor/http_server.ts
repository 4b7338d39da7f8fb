/**
 * A small HTTP server for metrics, health and the status page: one request a connection, heads
 * only, everything bounded.
 *
 * `Deno.serve` is not used: it bounds neither the number of connections nor the time a client takes
 * for its head, and it opens its sockets itself, where ours come with modes, from a former process's
 * leavings, or from systemd.
 *
 * @module
 */

import type { Clock } from "../resolver/clock.ts";
import { type HttpRequest, MAX_HEAD_BYTES, parseHead } from "./http_request.ts";
import type { Log } from "./types.ts";

/** Connections served at once unless told otherwise: a scraper, a probe and some people need few. */
const MAX_CONNECTIONS = 16;

/** What a connection may take from accept to close, ms. */
const CONNECTION_MS = 10_000;

/** Pause after a failed accept, ms: out of files, it fails again at once. */
const ACCEPT_RETRY_MS = 1000;

/** A body nobody asked for is read and dropped up to this many bytes, lest its sender misses the reply. */
const MAX_DROPPED_BYTES = 65_536;

/** A reply. */
export interface HttpReply {
  readonly status: 200 | 400 | 404 | 405 | 421 | 431 | 500 | 503;
  /** The media type. */
  readonly type: string;
  /** Text, sent as UTF-8, or octets. */
  readonly body: string | Uint8Array;
  /** Further fields; names and values must be valid as they are. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What connections are accepted from; a `Deno.Listener` is one. */
export interface HttpSource {
  accept(): Promise<
    Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close"> & { readonly remoteAddr?: Deno.Addr }
  >;
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
  /** Connections served at once; more wait in the kernel's queue. @default {16} */
  readonly maxConnections?: number;
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

type Conn = Awaited<ReturnType<HttpSource["accept"]>>;

const REASONS: Readonly<Record<HttpReply["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Sent with every reply: nothing is kept, guessed, framed or told to others. */
const COMMON_FIELDS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "connection": "close",
};

const TOO_LARGE = text(431, "The request is too large.");

/** Creates a server that listens nowhere yet. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { clock, log, observe, maxConnections = MAX_CONNECTIONS } = options;
  const sources = new Set<HttpSource>();
  const connections = new Set<Conn>();
  /** Resolved when a connection has ended. */
  let ended = Promise.withResolvers<void>();
  let isClosed = false;

  async function accept(source: HttpSource): Promise<void> {
    while (!isClosed) {
      try {
        const conn = await source.accept();
        connections.add(conn);
        serveConnection(conn);
      } catch (error) {
        if (isClosed) return;
        log.warn("http accept failed", { error: String(error) });
        await new Promise<void>((resolve) => clock.setTimer(resolve, ACCEPT_RETRY_MS));
      }
      while (connections.size >= maxConnections && !isClosed) await ended.promise;
    }
  }

  /** Never rejects. */
  async function serveConnection(conn: Conn): Promise<void> {
    const cancel = clock.setTimer(() => end(conn), CONNECTION_MS);
    try {
      const head = await readHead(conn);
      if (head !== undefined) {
        const request = head.length > MAX_HEAD_BYTES ? undefined : parseHead(head);
        const reply = head.length > MAX_HEAD_BYTES ? TOO_LARGE : await answer(request);
        await writeAll(conn, format(reply, { headOnly: request?.method === "HEAD" }));
        observe?.({ request, reply, peer: conn.remoteAddr });
        await conn.closeWrite();
        await dropRest(conn);
      }
    } catch {
      // The client went away or was too slow: nothing to tell, and nobody to tell it to.
    }
    cancel();
    end(conn);
  }

  /** Also ends a read or write under way; but no write with Deno before 2.8, which only the client ends. */
  function end(conn: Conn): void {
    if (!connections.delete(conn)) return;
    try {
      conn.close();
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
      for (const conn of [...connections]) end(conn);
    },
  };
}

/** A reply in plain text. */
export function text(status: HttpReply["status"], line: string): HttpReply {
  return { status, type: "text/plain; charset=utf-8", body: `${line}\n` };
}

/**
 * Reads up to the empty line.
 *
 * @returns The head, one char per octet; longer than {@link MAX_HEAD_BYTES} if it has no end before, and
 * `undefined` if the client closed.
 */
async function readHead(conn: Conn): Promise<string | undefined> {
  const buffer = new Uint8Array(MAX_HEAD_BYTES + 1);
  let text = "";
  while (text.length <= MAX_HEAD_BYTES) {
    const count = await conn.read(buffer.subarray(text.length));
    if (count === null) return undefined;
    text += String.fromCharCode(...buffer.subarray(text.length, text.length + count));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return text.slice(0, end);
  }
  return text;
}

function format(
  { status, type, body, headers }: HttpReply,
  { headOnly }: { readonly headOnly: boolean },
): Uint8Array {
  const encoder = new TextEncoder();
  const content = typeof body === "string" ? encoder.encode(body) : body;
  const fields = {
    "content-type": type,
    "content-length": String(content.length),
    ...COMMON_FIELDS,
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = encoder.encode(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join("")}\r\n`);
  if (headOnly) return head;
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

async function writeAll(conn: Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await conn.write(bytes.subarray(done));
}

/** A socket closed with unread data in it resets the connection, and the reply may be lost. */
async function dropRest(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let dropped = 0; dropped < MAX_DROPPED_BYTES;) {
    const count = await conn.read(buffer);
    if (count === null) return;
    dropped += count;
  }
}
