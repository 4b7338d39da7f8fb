import { assertEquals, assertStrictEquals } from "@std/assert";
import { BufferPool, type PendingReply, ReplyQueue } from "../../src/postfix/reply_queue.ts";

const WRITE_BUFFER_BYTES = 16 * 1024;

function reply(length: number, octet = 1): Uint8Array {
  return new Uint8Array(length).fill(octet);
}

Deno.test("ReplyQueue.take() gives a lone reply as it is", () => {
  const queue = new ReplyQueue(new BufferPool());
  assertEquals(queue.take(), undefined);
  const only = reply(5);
  assertEquals(queue.push(only), 1);
  assertStrictEquals(queue.take(), only);
  assertEquals(queue.length, 0);
});

Deno.test("ReplyQueue.take() puts together what is ready and in turn", async () => {
  const queue = new ReplyQueue(new BufferPool());
  const { promise, resolve } = Promise.withResolvers<void>();
  const late: PendingReply = { bytes: undefined, settled: promise };
  queue.push(reply(1, 1));
  queue.push(reply(2, 2));
  queue.push(late);
  queue.push(reply(1, 4));
  assertEquals(queue.take(), new Uint8Array([1, 2, 2]));
  queue.release();
  assertEquals([queue.ready, queue.length, queue.take()], [false, 2, undefined]);
  late.bytes = reply(1, 3);
  resolve();
  await queue.headSettled();
  assertEquals(queue.ready, true);
  assertEquals(queue.take(), new Uint8Array([3, 4]));
  assertEquals(queue.length, 0);
  await queue.headSettled();
});

Deno.test("ReplyQueue.take() fills no more than one buffer", () => {
  const queue = new ReplyQueue(new BufferPool());
  const lengths = [1, WRITE_BUFFER_BYTES - 1, 1, WRITE_BUFFER_BYTES, 3 * WRITE_BUFFER_BYTES, 2, 3];
  for (const length of lengths) queue.push(reply(length));
  const taken: number[] = [];
  for (let bytes = queue.take(); bytes !== undefined; bytes = queue.take()) {
    taken.push(bytes.length);
    queue.release();
  }
  const full = WRITE_BUFFER_BYTES;
  assertEquals(taken, [full, 1, full, 3 * full, 5]);
});

Deno.test("BufferPool lends a buffer again only after it was given back", () => {
  const pool = new BufferPool();
  const [a, b] = [new ReplyQueue(pool), new ReplyQueue(pool)];
  const fill = (queue: ReplyQueue, octet: number) => {
    queue.push(reply(1, octet));
    queue.push(reply(1, octet));
    return queue.take()!;
  };
  const first = fill(a, 1);
  const second = fill(b, 2);
  assertEquals([first, second], [reply(2, 1), reply(2, 2)]);
  a.release();
  const third = fill(b, 3);
  assertStrictEquals(third.buffer, first.buffer);
  assertEquals(second, reply(2, 2));
});
