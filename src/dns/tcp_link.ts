/**
 * One TCP connection to a resolver, as a stream of messages: each goes with its length
 * in two octets in front (RFC 1035 §4.2.2). Knows nothing of what is in a message.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { ServerAddress } from "./resolv_conf.ts";

/** A resolver is near; this outlasts one lost SYN, which is repeated after 1 s. ms */
const CONNECT_TIMEOUT_MS = 2000;

/** The longest message with its length octets. */
const MAX_FRAME_BYTES = 2 + 65535;

/** What becomes of the connection is told through these. */
export interface TcpLinkOptions {
  readonly clock: Clock;
  /** A message has arrived; its bytes are only valid during the call. */
  onMessage(message: Uint8Array): void;
  /** The connection could not be made or has ended; called once, and not after `close()`. `detail` is one line. */
  onEnd(detail: string): void;
}

/** A connection that is being made, or made. */
export interface TcpLink {
  /** The connection was made. */
  readonly opened: boolean;
  /** Sends a message, length octets included, as soon as possible. */
  send(frame: Uint8Array): void;
  /** Ends the connection. */
  close(): void;
}

/**
 * Starts to connect.
 *
 * @param server Where to.
 * @param options The clock, and whom to tell.
 * @returns At once; messages may be sent right away. Never throws.
 */
export function openTcpLink(server: ServerAddress, options: TcpLinkOptions): TcpLink {
  const connecting = new AbortController();
  let conn: Deno.TcpConn | undefined;
  let outbox: Uint8Array[] = [];
  let writing = false;
  let ended = false;

  const cancelTimer = options.clock.setTimer(
    () => end(`no connection within ${CONNECT_TIMEOUT_MS} ms`),
    CONNECT_TIMEOUT_MS,
  );

  function close(): void {
    if (ended) return;
    ended = true;
    cancelTimer();
    connecting.abort();
    conn?.close();
  }

  function end(detail: string): void {
    if (ended) return;
    close();
    options.onEnd(detail);
  }

  async function run(): Promise<void> {
    const made = await Deno.connect({ ...server, signal: connecting.signal });
    if (ended) return made.close();
    cancelTimer();
    conn = made;
    // Questions are small and must not wait for the acknowledgement of the one before.
    conn.setNoDelay(true);
    await Promise.all([flush(), read(conn)]);
  }

  async function flush(): Promise<void> {
    if (writing || conn === undefined) return;
    writing = true;
    // What is sent right after this joins the packet.
    await Promise.resolve();
    while (outbox.length > 0 && !ended) {
      const bytes = concat(outbox);
      outbox = [];
      for (let at = 0; at < bytes.length && !ended;) at += await conn.write(bytes.subarray(at));
    }
    writing = false;
  }

  async function read(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(MAX_FRAME_BYTES);
    let filled = 0;
    while (!ended) {
      const count = await conn.read(buffer.subarray(filled));
      if (count === null) return end("connection closed by the resolver");
      filled += count;
      const used = deliver(buffer.subarray(0, filled));
      buffer.copyWithin(0, used, filled);
      filled -= used;
    }
  }

  /** Hands over every complete message. @returns The octets used up. */
  function deliver(bytes: Uint8Array): number {
    let at = 0;
    while (at + 2 <= bytes.length && !ended) {
      const next = at + 2 + (bytes[at]! << 8 | bytes[at + 1]!);
      if (next > bytes.length) break;
      options.onMessage(bytes.subarray(at + 2, next));
      at = next;
    }
    return at;
  }

  // The platform's words are the system's, not the resolver's.
  const fail = (error: unknown) => end(String(error));
  run().catch(fail);

  return {
    get opened(): boolean {
      return conn !== undefined;
    },
    send(frame: Uint8Array): void {
      outbox.push(frame);
      flush().catch(fail);
    },
    close,
  };
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
