/**
 * The socketmap server: accepts connections on any number of sockets, bounds their number, closes
 * those that make no progress, and stops without losing a request that was received.
 *
 * At the connection limit a new client takes the place of the one that has been quiet the longest, because
 * a client with nothing to ask must not keep out one with a query. Postfix copes with that: it disconnects
 * after ten idle seconds anyway, and repeats a query whose connection has ended. While all others wait for
 * replies, the new client waits too.
 *
 * @module
 */

import type { ListenAddress } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Clock } from "../base/clock.ts";
import { stackOf } from "../base/error_text.ts";
import {
  Connection,
  type ConnectionContext,
  type ConnectionFault,
  type ConnectionLimits,
  type Handler,
  type Stream,
} from "./connection.ts";
import { type ConnectionSource, type OpenSocket, openSocket } from "./listen.ts";
import { BufferPool } from "./reply_queue.ts";
import { createServerMeters } from "./server_meters.ts";
import type { ServerMeters } from "./server_meters.ts";

/** What {@link createServer} works with. */
export interface ServerOptions {
  /** Answers the requests. */
  readonly handler: Handler;
  /** Where faults are logged. */
  readonly log: Log;
  /** Where connections and faults are counted. */
  readonly metrics: Metrics;
  /** For timeouts. */
  readonly clock: Clock;
  /** Bounds of each connection and of their number. */
  readonly limits: ConnectionLimits & {
    /** Connections served at once. */
    readonly connections: number;
  };
}

/** A running server. */
export interface SocketmapServer {
  /**
   * Opens a socket and serves it.
   *
   * @returns The address, with the actual port; the handle for {@link unlisten}.
   * @throws {Error} With one line for the operator.
   */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /** Closes the socket of an address that {@link listen} returned; its connections stay open. */
  unlisten(address: ListenAddress): void;
  /** Serves a socket that is already open, such as one from systemd; the server closes it. */
  serveListener(source: ConnectionSource): void;
  /**
   * Stops accepting and closes each connection once its requests are answered. When the time is over,
   * it closes all others.
   *
   * @param graceMs How long requests received may take, ms.
   */
  drain(graceMs: number): Promise<void>;
  /** Closes everything now. */
  closeNow(): void;
  /** Replaces the limits, also those of open connections, but for `pipeline`. */
  limit(limits: ServerOptions["limits"]): void;
  /** Connections being served. */
  connections(): number;
  /** Sockets on which connections are accepted. */
  sockets(): number;
}

/** Sweeps over all connections within one timeout, so that one is closed at most a quarter late. */
const SWEEPS_PER_TIMEOUT = 8;

/**
 * Pauses after a failed accept, ms, doubled each time: out of file descriptors, it fails until a
 * connection ends.
 */
const ACCEPT_RETRY_MIN_MS = 10;
const ACCEPT_RETRY_MAX_MS = 1000;

/** While all connections have pending replies, the server looks this often for one that has none, ms. */
const ROOM_RETRY_MS = 20;

/**
 * How long open connections go on after the server has stopped accepting, ms: requests that have arrived, or
 * are on their way from a client that has just connected, are not all read yet.
 */
const LINGER_MS = 100;

/** Creates a server that listens nowhere yet. */
export function createServer(options: ServerOptions): SocketmapServer {
  return new Server(options);
}

class Server implements SocketmapServer {
  readonly #options: ServerOptions;
  readonly #context: ConnectionContext;
  #limits: ServerOptions["limits"];
  readonly #meters: ServerMeters;
  readonly #sources = new Set<ConnectionSource | OpenSocket>();
  readonly #connections = new Set<Connection>();
  /** Called when a connection ends, and when the server stops. */
  readonly #waiting = new Set<() => void>();
  #cancelSweep: (() => void) | undefined;
  #stopped = false;

  constructor(options: ServerOptions) {
    const { clock, handler, limits, log, metrics } = options;
    this.#options = options;
    this.#limits = limits;
    const limitsNow = () => this.#limits;
    const meters = this.#meters = createServerMeters(metrics);
    this.#context = {
      handler,
      get limits() {
        return limitsNow();
      },
      pool: new BufferPool(),
      now: () => clock.now(),
      handlerFailed(error) {
        meters.errors.handler.value++;
        log.error("request failed", {
          error: stackOf(error),
        });
      },
      closed: (connection, fault, detail) => this.#closed(connection, fault, detail),
    };
  }

  async listen(address: ListenAddress): Promise<ListenAddress> {
    const socket = await openSocket(address);
    this.serveListener(socket);
    return socket.address;
  }

  unlisten(address: ListenAddress): void {
    for (const source of this.#sources) {
      if ("address" in source && source.address === address) this.#close(source);
    }
  }

  serveListener(source: ConnectionSource): void {
    if (this.#stopped) return source.close();
    this.#sources.add(source);
    this.#accept(source);
  }

  async drain(graceMs: number): Promise<void> {
    const linger = Math.min(LINGER_MS, graceMs);
    this.#stop();
    await this.#allEnded(linger);
    for (const connection of this.#connections) connection.drain();
    await this.#allEnded(graceMs - linger);
    this.closeNow();
  }

  closeNow(): void {
    this.#stop();
    for (const connection of this.#connections) connection.close();
  }

  limit(limits: ServerOptions["limits"]): void {
    this.#limits = limits;
    if (this.#cancelSweep === undefined) return;
    this.#cancelSweep();
    this.#cancelSweep = this.#startSweep();
  }

  sockets(): number {
    return this.#sources.size;
  }

  connections(): number {
    return this.#connections.size;
  }

  #stop(): void {
    this.#stopped = true;
    for (const source of this.#sources) this.#close(source);
    this.#notify();
  }

  #close(source: ConnectionSource): void {
    this.#sources.delete(source);
    source.close();
  }

  /** Accepts until the socket is closed. */
  async #accept(source: ConnectionSource): Promise<void> {
    const { log } = this.#options;
    let pause = ACCEPT_RETRY_MIN_MS;
    while (this.#sources.has(source)) {
      let stream: Stream;
      try {
        stream = await source.accept();
      } catch (error) {
        if (!this.#sources.has(source)) return;
        this.#meters.errors.accept.value++;
        if (pause === ACCEPT_RETRY_MIN_MS) log.warn("accept failed", { error: String(error) });
        // Usually out of file descriptors: the quietest connection gives its own to another client.
        this.#makeRoom();
        await this.#change(pause);
        pause = Math.min(2 * pause, ACCEPT_RETRY_MAX_MS);
        continue;
      }
      pause = ACCEPT_RETRY_MIN_MS;
      while (this.#connections.size >= this.#limits.connections && !this.#stopped) {
        if (!this.#makeRoom()) await this.#change(ROOM_RETRY_MS);
      }
      if (this.#stopped) return stream.close();
      this.#serve(stream);
    }
  }

  /** Closes the connection that has been quiet the longest. @returns Whether there is one. */
  #makeRoom(): boolean {
    let quietest: Connection | undefined;
    let since = Infinity;
    for (const connection of this.#connections) {
      if (connection.quietSince >= since) continue;
      quietest = connection;
      since = connection.quietSince;
    }
    quietest?.close("displaced");
    return quietest !== undefined;
  }

  #serve(stream: Stream): void {
    const connection = new Connection(stream, this.#context);
    this.#connections.add(connection);
    this.#meters.open.value++;
    this.#meters.accepted.value++;
    this.#cancelSweep ??= this.#startSweep();
    connection.run();
  }

  #closed(connection: Connection, fault?: ConnectionFault, detail?: string): void {
    this.#connections.delete(connection);
    this.#meters.open.value--;
    if (fault !== undefined) {
      this.#meters.errors[fault].value++;
      this.#options.log.debug("connection closed", { reason: fault, detail });
    }
    if (this.#connections.size === 0) {
      this.#cancelSweep?.();
      this.#cancelSweep = undefined;
    }
    this.#notify();
  }

  #startSweep(): () => void {
    const { clock } = this.#options;
    const { idleTimeout, ioTimeout } = this.#limits;
    return clock.setTimer(() => {
      this.#cancelSweep = this.#startSweep();
      const now = clock.now();
      for (const connection of this.#connections) connection.sweep(now);
    }, Math.min(idleTimeout, ioTimeout) / SWEEPS_PER_TIMEOUT);
  }

  /** Waits until all connections have ended, for `ms` milliseconds at most. */
  async #allEnded(ms: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + ms;
    for (let left = ms; left > 0 && this.#connections.size > 0; left = end - clock.now()) {
      await this.#change(left);
    }
  }

  /** Waits until a connection ends or the server stops, or `ms` milliseconds. */
  #change(ms?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => {
      cancel?.();
      this.#waiting.delete(wake);
      resolve();
    };
    const cancel = ms === undefined ? undefined : this.#options.clock.setTimer(wake, ms);
    this.#waiting.add(wake);
    return promise;
  }

  #notify(): void {
    for (const wake of this.#waiting) wake();
  }
}
