/**
 * The replies of one connection that are not written yet, in the order of their requests, and the
 * bytes to write next.
 *
 * @module
 */

/** Bytes of replies joined for one write: a hundred of the usual length. */
const WRITE_BUFFER_BYTES = 16 * 1024;

/** Spare write buffers kept: most writes complete at once, so few buffers are in use at a time. */
const SPARE_BUFFERS = 32;

/** A reply that is not ready yet. */
export interface PendingReply {
  /** The framed reply, once it is ready. */
  bytes: Uint8Array | undefined;
  /** Fulfilled when it is ready; never rejected. */
  settled: Promise<void>;
}

/** Write buffers, each lent for one write: thousands of quiet connections hold none. */
export class BufferPool {
  readonly #spare: Uint8Array[] = [];

  /** Lends a buffer. */
  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(WRITE_BUFFER_BYTES);
  }

  /** Takes a buffer back. */
  giveBack(buffer: Uint8Array): void {
    if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(buffer);
  }
}

/** Replies in order, some of them still pending. */
export class ReplyQueue {
  readonly #pool: BufferPool;
  readonly #replies: (Uint8Array | PendingReply)[] = [];
  #buffer: Uint8Array | undefined;

  /** Makes an empty queue. @param pool Where write buffers come from. */
  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Replies that are not taken yet. */
  get length(): number {
    return this.#replies.length;
  }

  /** Whether the next reply in turn can be taken. */
  get ready(): boolean {
    return bytesOf(this.#replies[0]) !== undefined;
  }

  /** Adds the reply to the next request. @returns The new length. */
  push(reply: Uint8Array | PendingReply): number {
    return this.#replies.push(reply);
  }

  /** Waits until the next reply in turn can be taken; returns at once if there is none. */
  async headSettled(): Promise<void> {
    const head = this.#replies[0];
    if (head !== undefined && !(head instanceof Uint8Array)) await head.settled;
  }

  /**
   * Takes the bytes of one write: a single reply as it is, or as many ready ones in turn as fit into a
   * buffer.
   *
   * @returns Bytes that do not change before {@link release}; `undefined` if the next reply in turn
   *   is not ready.
   */
  take(): Uint8Array | undefined {
    const replies = this.#replies;
    const first = bytesOf(replies[0]);
    if (first === undefined) return undefined;
    const second = replies.length > 1 ? bytesOf(replies[1]) : undefined;
    if (second === undefined || first.length + second.length > WRITE_BUFFER_BYTES) {
      // There is nearly always one reply, and then pop() is much faster.
      if (replies.length === 1) replies.pop();
      else replies.shift();
      return first;
    }
    const buffer = this.#buffer = this.#pool.take();
    let used = 0;
    let count = 0;
    for (; count < replies.length; count++) {
      const bytes = bytesOf(replies[count]);
      if (bytes === undefined || used + bytes.length > buffer.length) break;
      buffer.set(bytes, used);
      used += bytes.length;
    }
    replies.splice(0, count);
    return buffer.subarray(0, used);
  }

  /** To be called when the bytes taken last are written. */
  release(): void {
    if (this.#buffer !== undefined) this.#pool.giveBack(this.#buffer);
    this.#buffer = undefined;
  }
}

function bytesOf(reply: Uint8Array | PendingReply | undefined): Uint8Array | undefined {
  return reply instanceof Uint8Array ? reply : reply?.bytes;
}
