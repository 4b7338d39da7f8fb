/**
 * A connection to an engine that is made when it is first needed, and again after a loss.
 *
 * Both drivers stand on it, so that they fail in the same way: the first attempt is waited for, later on a call
 * without a connection is rejected at once, and no call outlives its connection. Neither client library has all of
 * that: one keeps a dead connection open, the other queues without end.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { EngineError } from "./types.ts";

/** A connection is given up after this many ms without a reply; TCP alone would try for a quarter of an hour. */
export const SILENCE_MS = 2_000;

/** An attempt to connect, to greet and to log in is given up after this many ms. */
export const OPEN_MS = 2_000;

/** The first wait after a loss, ms; doubled up to {@link LAST_RETRY_MS}, which 100 hosts do not load an engine with. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/** Calls in flight over one connection; at some 20,000 a second the last one waits for 50 ms. */
export const MAX_IN_FLIGHT = 1_000;

/** One connection. It does not come back. */
export interface Connection {
  /** Ends it at once; what waits for a reply may stay so. */
  destroy(): void;
  /** Says goodbye, if the protocol has a word for it, and ends it. */
  end(): Promise<void>;
  /** Has `listener` called once when it has ended for whatever reason, also if it already has. */
  onEnd(listener: (error: EngineError) => void): void;
}

/**
 * Takes a further step on a connection before anybody uses it. A failure ends the connection, and so does giving up.
 *
 * @throws What the step throws.
 */
export async function finishOpening(
  connection: Connection,
  signal: AbortSignal,
  options: { readonly step: () => Promise<unknown> },
): Promise<void> {
  const destroy = () => connection.destroy();
  signal.addEventListener("abort", destroy);
  try {
    await options.step();
  } catch (error) {
    destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", destroy);
  }
}

/** How connections are made and kept. */
export interface LinkOptions<C extends Connection> {
  /** Makes one; rejects with an `EngineError`. The signal gives up. */
  readonly open: (signal: AbortSignal) => Promise<C>;
  /** Reads what the client library throws. */
  readonly toError: (error: unknown) => EngineError;
  /** Timers of all waits. */
  readonly clock: Clock;
  /** Closes a connection that was not used for this long, ms; for good by default. */
  readonly idleMs?: number;
  /** Called with each connection that was made. */
  readonly onOpen?: (connection: C) => void;
}

/** A connection that comes back. */
export class EngineLink<C extends Connection> {
  readonly #options: LinkOptions<C>;
  #connection: C | undefined;
  #opening: Promise<C> | undefined;
  /** Why there is no connection. Calls wait for an attempt only without it. */
  #lastError: EngineError | undefined;
  #failures = 0;
  #openedAt = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  /** The attempt that counts; an older one was given up. */
  #attempt = new AbortController();
  readonly #attempts = new Set<Promise<C>>();
  readonly #calls = new Set<(error: EngineError) => void>();
  #cancelRetry = () => {};
  #cancelSilence = () => {};
  #cancelIdle = () => {};

  /** Connects nowhere yet. */
  constructor(options: LinkOptions<C>) {
    this.#options = options;
  }

  /** Whether there is a connection. */
  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects, and again whenever the connection is lost. */
  start(): void {
    this.#open().catch(() => {});
  }

  /**
   * Runs a call over the connection.
   *
   * @throws {EngineError} Whatever goes wrong, and if too many calls are in flight.
   */
  async run<T>(call: (connection: C) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new EngineError("unreachable", "closed");
    if (this.#calls.size >= MAX_IN_FLIGHT) {
      throw new EngineError("unreachable", `${MAX_IN_FLIGHT} calls wait for a reply already`);
    }
    if (this.#connection === undefined && this.#lastError !== undefined) {
      this.start();
      throw this.#lastError;
    }
    return await new Promise<T>((resolve, reject) => {
      const settle = <V>(then: (value: V) => void) => (value: V) => {
        this.#calls.delete(reject);
        this.#heard();
        then(value);
      };
      this.#calls.add(reject);
      if (this.#calls.size === 1) this.#heard();
      (this.#connection === undefined ? this.#open() : Promise.resolve(this.#connection))
        .then(call)
        .then(settle(resolve), settle((error) => reject(this.#toError(error))));
    });
  }

  /** Drops the connection at once and makes a new one; calls in flight are rejected. */
  reconnect(): void {
    if (this.#isClosed) return;
    this.#drop(new EngineError("unreachable", "connection dropped"));
    this.#lastError = undefined;
    this.#failures = 0;
    this.#cancelRetry();
    this.start();
  }

  /** Leaves the connection for another, unless that would be the second time within a second. */
  leave(): void {
    if (this.#connection === undefined) return;
    if (this.#options.clock.now() - this.#openedAt >= LAST_RETRY_MS) this.reconnect();
  }

  /** Ends the connection, an attempt to make one, and all timers. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    const connection = this.#connection;
    this.#giveUp(new EngineError("unreachable", "closed"));
    await connection?.end();
    await Promise.allSettled(this.#attempts);
  }

  #open(): Promise<C> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    if (this.#opening !== undefined) return this.#opening;
    this.#cancelRetry();
    const attempt = this.#attempt = new AbortController();
    const opening = this.#opening = this.#attemptOnce(attempt);
    this.#attempts.add(opening);
    const end = () => {
      this.#attempts.delete(opening);
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.then(end, end);
    return opening;
  }

  async #attemptOnce(attempt: AbortController): Promise<C> {
    const { clock, open } = this.#options;
    const cancel = clock.setTimer(
      () => attempt.abort(new EngineError("unreachable", `not connected after ${OPEN_MS} ms`)),
      OPEN_MS,
    );
    try {
      const connection = await open(attempt.signal);
      if (attempt.signal.aborted) {
        connection.destroy();
        throw attempt.signal.reason;
      }
      this.#adopt(connection);
      return connection;
    } catch (error) {
      const failure = this.#toError(attempt.signal.aborted ? attempt.signal.reason : error);
      if (this.#attempt === attempt) this.#retryLater(failure);
      throw failure;
    } finally {
      cancel();
    }
  }

  #toError(error: unknown): EngineError {
    return error instanceof EngineError ? error : this.#options.toError(error);
  }

  #adopt(connection: C): void {
    this.#connection = connection;
    this.#openedAt = this.#options.clock.now();
    this.#lastError = undefined;
    this.#failures = 0;
    connection.onEnd((error) => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#reject(error);
      this.#retryLater(error);
    });
    if (this.#connection !== connection) return;
    this.#heard();
    this.#options.onOpen?.(connection);
  }

  #retryLater(error: EngineError): void {
    if (this.#isClosed) return;
    this.#lastError = error;
    const ms = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS);
    this.#cancelRetry();
    this.#cancelRetry = this.#options.clock.setTimer(() => this.start(), ms);
  }

  #drop(error: EngineError): void {
    const connection = this.#connection;
    this.#giveUp(error);
    connection?.destroy();
  }

  /** Forgets the connection and the attempt to make one. */
  #giveUp(error: EngineError): void {
    this.#connection = undefined;
    this.#opening = undefined;
    const attempt = this.#attempt;
    this.#attempt = new AbortController();
    attempt.abort(error);
    this.#reject(error);
  }

  #reject(error: EngineError): void {
    for (const reject of [...this.#calls]) reject(error);
    this.#calls.clear();
    this.#heard();
  }

  /** A call began or ended: watches for silence while calls wait, for idleness otherwise. */
  #heard(): void {
    this.#cancelSilence();
    this.#cancelIdle();
    if (this.#isClosed) return;
    const { clock, idleMs } = this.#options;
    if (this.#calls.size > 0) {
      this.#cancelSilence = clock.setTimer(() => {
        const error = new EngineError("unreachable", `no reply for ${SILENCE_MS} ms`);
        this.#drop(error);
        this.#retryLater(error);
      }, SILENCE_MS);
    } else if (idleMs !== undefined && this.#connection !== undefined) {
      this.#cancelIdle = clock.setTimer(() => {
        const connection = this.#connection;
        this.#connection = undefined;
        void connection?.end();
      }, idleMs);
    }
  }
}
