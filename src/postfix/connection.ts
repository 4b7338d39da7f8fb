/**
 * One connection of a socketmap client: requests are read, handled, and answered in their order.
 *
 * Postfix waits for each reply before it sends the next request, but a client may send ahead.
 * Its requests are then handled concurrently, up to a bound at which reading stops. A reply is sent
 * as soon as it is ready and all before it are sent; replies ready together are sent in one write.
 * A request that is answered at once costs no promise beside those of its read and write.
 *
 * The handler decides what the payloads mean; the server decides who may connect.
 *
 * @module
 */

import { encodeNetstring, NetstringDecoder, NetstringError } from "./netstring.ts";
import type { Octets } from "./octets.ts";
import { type BufferPool, type PendingReply, ReplyQueue } from "./reply_queue.ts";
import { formatTemp, MAX_REQUEST_BYTES } from "./socketmap.ts";

/**
 * Answers one request. Must not throw; if it does, or rejects, the client gets `TEMP`.
 *
 * @param payload The request where it was received. It is valid during the call only: copy what is
 *   needed later.
 * @param now `Clock.now` when the request was read, ms.
 * @returns The framed reply, as a promise only if it is not ready yet. Its bytes never change.
 */
export type Handler = (payload: Octets, now: number) => Uint8Array | Promise<Uint8Array>;

/** The part of a `Deno.Conn` that a connection uses. */
export type Stream = Pick<Deno.Conn, "read" | "write" | "close">;

/**
 * What ended a connection badly.
 *
 * - `displaced`: it was quiet, and another client needed its place.
 * - `frame`: the client sent bytes that are not a request, or closed within one.
 * - `stalled`: the client did not complete a request, or did not take a reply, in time.
 * - `reset`: the connection itself failed.
 */
export type ConnectionFault = "displaced" | "frame" | "stalled" | "reset";

/** Bounds of one connection. */
export interface ConnectionLimits {
  /** Requests without a reply at which reading stops, at least 1. */
  readonly pipeline: number;
  /** How long the client may be silent between requests, ms. */
  readonly idleTimeout: number;
  /** How long the client may take to complete a request, and to take replies, ms. */
  readonly ioTimeout: number;
  /** Octets of the longest request. @default {MAX_REQUEST_BYTES} */
  readonly requestOctets?: number;
}

/** What all connections of a server share. */
export interface ConnectionContext {
  /** Answers the requests. */
  readonly handler: Handler;
  /** The bounds of each connection. */
  readonly limits: ConnectionLimits;
  /** Where write buffers come from. */
  readonly pool: BufferPool;
  /** Current time, ms. */
  now(): number;
  /** Called if the handler threw or rejected. */
  handlerFailed(error: unknown): void;
  /** Called once, when the connection is closed; without a fault if nothing was wrong. */
  closed(connection: Connection, fault?: ConnectionFault, detail?: string): void;
}

/** What the connection waits for: a request, the rest of one, the handler, the client to take replies. */
type Phase = "idle" | "receiving" | "handling" | "sending";

/**
 * A reply above this many octets leaves before the next request is handled. A client that sends ahead and takes
 * nothing could otherwise have a hundred replies of 100 KB wait for it on each of its connections.
 */
const LARGE_REPLY_BYTES = 4096;

/** The reply when a bug prevents an answer. */
export const FAILED_REPLY: Uint8Array = encodeNetstring(formatTemp("internal error"));

/** A connection, from accept to close. */
export class Connection {
  readonly #stream: Stream;
  readonly #context: ConnectionContext;
  readonly #decoder: NetstringDecoder;
  readonly #replies: ReplyQueue;
  /** What is being written. Stays set after a failed write, so that none follows. */
  #sending: Uint8Array | undefined;
  /** The writing that a late reply started; never rejected. */
  #sender: Promise<void> | undefined;
  /** All requests read are handed to the handler, and a read waits for more. */
  #reading = false;
  #draining = false;
  #closed = false;
  /** Requests read plus writes completed. */
  #moves = 0;
  /** What the last sweep found, and since when nothing has changed. */
  #seen: { phase: Phase; moves: number; since: number };

  /** Makes a connection. @param stream Closed by this object. @param context What it shares with others. */
  constructor(stream: Stream, context: ConnectionContext) {
    this.#stream = stream;
    this.#context = context;
    this.#decoder = new NetstringDecoder(context.limits.requestOctets ?? MAX_REQUEST_BYTES);
    this.#replies = new ReplyQueue(context.pool);
    this.#seen = { phase: "idle", moves: 0, since: context.now() };
  }

  /**
   * Serves the client until the connection ends. Never rejects.
   */
  async run(): Promise<void> {
    try {
      const problem = await this.#receive();
      await this.#settle(0);
      this.close(problem === undefined ? undefined : "frame", problem);
    } catch (error) {
      this.close("reset", String(error));
    }
  }

  /** Ends the connection now. */
  close(fault?: ConnectionFault, detail?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#stream.close();
    } catch {
      // The runtime has closed it already.
    }
    this.#context.closed(this, fault, detail);
  }

  /** Closes the connection once all requests received are answered, which may be now. */
  drain(): void {
    this.#draining = true;
    this.#closeIfDrained();
  }

  /**
   * Since when the connection has waited for the client to send, ms; `Infinity` while a reply is pending.
   * As exact as {@link sweep} is frequent.
   */
  get quietSince(): number {
    const phase = this.#phase();
    if (phase !== "idle" && phase !== "receiving") return Infinity;
    return this.#moves === this.#seen.moves ? this.#seen.since : this.#context.now();
  }

  /**
   * Closes the connection if the client did nothing for too long. To be called at intervals, because one
   * timer for all is cheaper than one for each. A timeout comes late by up to two intervals.
   *
   * @param now `Clock.now`, ms.
   */
  sweep(now: number): void {
    const phase = this.#phase();
    if (phase !== this.#seen.phase || this.#moves !== this.#seen.moves) {
      this.#seen = { phase, moves: this.#moves, since: now };
      return;
    }
    const { idleTimeout, ioTimeout } = this.#context.limits;
    const waited = now - this.#seen.since;
    if (phase === "idle" && waited >= idleTimeout) this.close();
    if (phase === "receiving" && waited >= ioTimeout) {
      this.close("stalled", "request not completed");
    }
    if (phase === "sending" && waited >= ioTimeout) this.close("stalled", "reply not taken");
  }

  #phase(): Phase {
    if (this.#sending !== undefined) return "sending";
    if (this.#replies.length > 0) return "handling";
    return this.#decoder.empty ? "idle" : "receiving";
  }

  /**
   * Reads and answers requests until the stream ends.
   *
   * @returns What is wrong with the stream, if anything.
   */
  async #receive(): Promise<string | undefined> {
    const decoder = this.#decoder;
    const { pipeline } = this.#context.limits;
    try {
      while (!this.#draining) {
        this.#reading = true;
        const count = await this.#stream.read(decoder.space());
        this.#reading = false;
        if (count === null) return decoder.empty ? undefined : "end of stream within a request";
        decoder.fill(count);
        let now = this.#context.now();
        for (let payload = decoder.next(); payload !== undefined; payload = decoder.next()) {
          this.#moves++;
          const reply = this.#handle(payload, now);
          const isLarge = reply instanceof Uint8Array && reply.length > LARGE_REPLY_BYTES;
          if (this.#replies.push(reply) < pipeline && !isLarge) continue;
          await this.#settle(isLarge ? 0 : pipeline - 1);
          now = this.#context.now();
        }
        // Nothing is read from a client that does not take its replies.
        if (this.#sending !== undefined) await this.#sender;
        // As in #send, but without its promise: nearly all replies are written here.
        for (let bytes = this.#begin(); bytes !== undefined;) {
          bytes = this.#next(await this.#stream.write(bytes));
        }
      }
      return undefined;
    } catch (error) {
      if (error instanceof NetstringError) return error.message;
      throw error;
    }
  }

  #handle(payload: Octets, now: number): Uint8Array | PendingReply {
    try {
      const reply = this.#context.handler(payload, now);
      return reply instanceof Uint8Array ? reply : this.#pending(reply);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #pending(reply: Promise<Uint8Array>): PendingReply {
    const pending: PendingReply = {
      bytes: undefined,
      settled: reply.catch((error) => this.#failed(error)).then((bytes) => {
        pending.bytes = bytes;
        if (this.#sending !== undefined) return;
        this.#sender = this.#send().then(
          () => this.#closeIfDrained(),
          (error) => this.close("reset", String(error)),
        );
      }),
    };
    return pending;
  }

  #failed(error: unknown): Uint8Array {
    this.#context.handlerFailed(error);
    return FAILED_REPLY;
  }

  /** Waits until at most `count` replies are left to send, and no write is under way. */
  async #settle(count: number): Promise<void> {
    while (!this.#closed) {
      if (this.#sending !== undefined) await this.#sender;
      else if (this.#replies.length <= count) return;
      else if (this.#replies.ready) await this.#send();
      else await this.#replies.headSettled();
    }
  }

  /** Writes all replies that are ready and in turn, unless a write is under way. */
  async #send(): Promise<void> {
    for (let bytes = this.#begin(); bytes !== undefined;) {
      bytes = this.#next(await this.#stream.write(bytes));
    }
  }

  /** @returns What to write first; `undefined` if there is nothing, or a write is under way. */
  #begin(): Uint8Array | undefined {
    if (this.#sending !== undefined || this.#closed) return undefined;
    return this.#sending = this.#replies.take();
  }

  /** @param written Bytes of the last write. @returns What to write next, if anything. */
  #next(written: number): Uint8Array | undefined {
    const sent = this.#sending!;
    if (written < sent.length) return this.#sending = sent.subarray(written);
    this.#moves++;
    this.#replies.release();
    this.#sending = undefined;
    return this.#begin();
  }

  #closeIfDrained(): void {
    const busy = !this.#reading || this.#sending !== undefined || this.#replies.length > 0;
    if (this.#draining && !busy) this.close();
  }
}
