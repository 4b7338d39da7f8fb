/**
 * The replies of one connection that are not written yet, in the order of their requests, and the
 * bytes to write next.
 *
 * @module
 */

/** Bytes of replies put together for one write: a hundred of the usual length. */
const WRITE_BUFFER_BYTES = 16 * 1024;

/** Spare write buffers kept: most writes end at once, so few buffers are lent at a time. */
const SPARE_BUFFERS = 32;

/** A reply that has to be waited for. */
export interface PendingReply {
  /** The framed reply, once it is there. */
  bytes: Uint8Array | undefined;
  /** Fulfilled when it is; never rejected. */
  settled: Promise<void>;
}

/** Write buffers, lent for one write at a time: thousands of quiet connections hold none. */
export class BufferPool {
  readonly #spare: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(WRITE_BUFFER_BYTES);
  }

  giveBack(buffer: Uint8Array): void {
    if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(buffer);
  }
}

/** Replies in order, some of them still pending. */
export class ReplyQueue {
  readonly #pool: BufferPool;
  readonly #replies: (Uint8Array | PendingReply)[] = [];
  #buffer: Uint8Array | undefined;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Replies that were not taken yet. */
  get length(): number {
    return this.#replies.length;
  }

  /** Whether the next reply in turn can be taken. */
  get ready(): boolean {
    return bytesOf(this.#replies[0]) !== undefined;
  }

  /** @returns The new length. */
  push(reply: Uint8Array | PendingReply): number {
    return this.#replies.push(reply);
  }

  /** Fulfilled when the next reply in turn can be taken, at once if there is none. */
  async headSettled(): Promise<void> {
    const head = this.#replies[0];
    if (head !== undefined && !(head instanceof Uint8Array)) await head.settled;
  }

  /**
   * Takes what one write shall send: a lone reply as it is, or as many ready ones in turn as fit
   * into a buffer.
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
      // Nearly always there is one reply, for which pop() is much the faster.
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

  /** Says that the bytes taken last are written. */
  release(): void {
    if (this.#buffer !== undefined) this.#pool.giveBack(this.#buffer);
    this.#buffer = undefined;
  }
}

function bytesOf(reply: Uint8Array | PendingReply | undefined): Uint8Array | undefined {
  return reply instanceof Uint8Array ? reply : reply?.bytes;
}
