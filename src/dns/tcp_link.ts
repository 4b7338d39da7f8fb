/**
 * One TCP connection to a DNS resolver, as a stream of messages, each behind its length in two octets
 * (RFC 1035 §4.2.2). It does not look into a message.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerAddress } from "./resolv_conf.ts";

/** Time to connect, ms. A DNS resolver is near; this outlasts the loss of one SYN, which is repeated after 1 s. */
const CONNECT_TIMEOUT_MS = 2000;

/** The longest message with its length octets. */
const MAX_FRAME_BYTES = 2 + 65535;

/** What a connection reports, and the clock that bounds the attempt to connect. */
export interface TcpLinkOptions {
  /** Bounds the attempt to connect. */
  readonly clock: Clock;
  /** A message has arrived. Its bytes are valid only during the call. */
  onMessage(message: Uint8Array): void;
  /**
   * The attempt to connect has failed, or the connection has ended. Called once, and not after `close()`.
   * `detail` is one line.
   */
  onEnd(detail: string): void;
}

/** A connection, made or being made. */
export interface TcpLink {
  /** Whether the connection was made. */
  readonly opened: boolean;
  /** Sends a message, length octets included, as soon as possible. */
  send(frame: Uint8Array): void;
  /** Ends the connection. */
  close(): void;
}

/**
 * Starts to connect.
 *
 * @param server Where to connect.
 * @param options The clock, and who hears of messages and of the end.
 * @returns The connection, at once; messages may be sent right away. Never throws.
 */
export function openTcpLink(server: ServerAddress, options: TcpLinkOptions): TcpLink {
  return new Link(server, options);
}

class Link implements TcpLink {
  readonly #options: TcpLinkOptions;
  readonly #connecting = new AbortController();
  readonly #cancelTimer: () => void;
  #conn: Deno.TcpConn | undefined;
  #outbox: Uint8Array[] = [];
  #writing = false;
  #ended = false;

  constructor(server: ServerAddress, options: TcpLinkOptions) {
    this.#options = options;
    this.#cancelTimer = options.clock.setTimer(
      () => this.#end(`no connection within ${CONNECT_TIMEOUT_MS} ms`),
      CONNECT_TIMEOUT_MS,
    );
    this.#run(server).catch(this.#fail);
  }

  get opened(): boolean {
    return this.#conn !== undefined;
  }

  send(frame: Uint8Array): void {
    this.#outbox.push(frame);
    this.#flush().catch(this.#fail);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    this.#connecting.abort();
    this.#conn?.close();
  }

  /** The text comes from the operating system, not from the DNS resolver, so it needs no quoting. */
  readonly #fail = (error: unknown): void => this.#end(String(error));

  #end(detail: string): void {
    if (this.#ended) return;
    this.close();
    this.#options.onEnd(detail);
  }

  async #run(server: ServerAddress): Promise<void> {
    const conn = await Deno.connect({ ...server, signal: this.#connecting.signal });
    if (this.#ended) return conn.close();
    this.#cancelTimer();
    this.#conn = conn;
    // Questions are small and must not wait for the acknowledgement of the one before.
    conn.setNoDelay(true);
    await Promise.all([this.#flush(), this.#read(conn)]);
  }

  async #flush(): Promise<void> {
    const conn = this.#conn;
    if (this.#writing || conn === undefined) return;
    this.#writing = true;
    // Whatever is sent right after this joins the packet.
    await Promise.resolve();
    while (this.#outbox.length > 0 && !this.#ended) {
      const bytes = concat(this.#outbox);
      this.#outbox = [];
      for (let at = 0; at < bytes.length && !this.#ended;) {
        at += await conn.write(bytes.subarray(at));
      }
    }
    this.#writing = false;
  }

  async #read(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(MAX_FRAME_BYTES);
    let filled = 0;
    while (!this.#ended) {
      const count = await conn.read(buffer.subarray(filled));
      if (count === null) return this.#end("connection closed by the DNS resolver");
      filled += count;
      const used = this.#deliver(buffer.subarray(0, filled));
      buffer.copyWithin(0, used, filled);
      filled -= used;
    }
  }

  /** Hands over every complete message. @returns The octets used up. */
  #deliver(bytes: Uint8Array): number {
    let at = 0;
    while (at + 2 <= bytes.length && !this.#ended) {
      const next = at + 2 + (bytes[at]! << 8 | bytes[at + 1]!);
      if (next > bytes.length) break;
      this.#options.onMessage(bytes.subarray(at + 2, next));
      at = next;
    }
    return at;
  }
}

function concat(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
