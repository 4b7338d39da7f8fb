/**
 * What the HTTP server is made with, and what it serves.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { PostOptions } from "./post.ts";
import type { HttpReply } from "./reply.ts";
import type { HttpRequest } from "./request.ts";

/** A connection; a `Deno.Conn` is one. */
export interface HttpConn extends Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close"> {
  readonly remoteAddr?: Deno.Addr;
  /** Does what precedes the first read, with a time limit of its own. @returns Whether a request follows. */
  open?(): Promise<boolean>;
}

/** What accepts connections; a `Deno.Listener` is one. */
export interface HttpSource {
  accept(): Promise<HttpConn>;
  close(): void;
}

/** What `createHttpServer` works with. */
export interface HttpServerOptions {
  /** Answers a GET or HEAD; what it throws becomes status 500. */
  readonly handle: (request: HttpRequest) => HttpReply | Promise<HttpReply>;
  /** Takes POST. @default Status 405 */
  readonly post?: PostOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for every reply sent, also to malformed requests. */
  readonly observe?: (exchange: HttpExchange) => void;
  /** Called for each connection that lost its place to another, or found none. */
  readonly displaced?: () => void;
  /** Requests answered at once; others wait. @default {16} */
  readonly maxConnections?: number;
  /** Connections that wait for their client at once. @default {4 times `maxConnections`, at least 64} */
  readonly maxWaiting?: number;
}

/** A request and its reply. */
export interface HttpExchange {
  /** `undefined` if it was malformed. */
  readonly request: HttpRequest | undefined;
  readonly reply: HttpReply;
  readonly peer: Deno.Addr | undefined;
}

/** A running server. */
export interface HttpServer {
  /** Accepts from an open socket, which is closed with the server. */
  serve(source: HttpSource): void;
  /** Closes all sockets and connections now. */
  close(): void;
}
