import { assertEquals } from "@std/assert";
import { openTcpLink } from "../../src/dns/tcp_link.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

/** A link and the server's end of it; messages and ends as the link tells them. */
async function connect() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const told: string[] = [];
  let wake = () => {};
  const tell = (word: string) => {
    told.push(word);
    wake();
  };
  const link = openTcpLink({ hostname: "127.0.0.1", port: listener.addr.port }, {
    clock: new ManualClock(),
    onMessage: (message) => tell(new TextDecoder().decode(message)),
    onEnd: (detail) => tell(`end: ${detail}`),
  });
  const conn = await listener.accept();
  listener.close();
  return {
    link,
    conn,
    told,
    /** Settles when so much has been told. */
    async until(count: number): Promise<void> {
      while (told.length < count) await new Promise<void>((resolve) => wake = resolve);
    },
    [Symbol.dispose](): void {
      link.close();
      conn.close();
    },
  };
}

function frame(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}

Deno.test("openTcpLink() sends what was given to it before and after the connection was made", async () => {
  using test = await connect();
  const sent = ["one", "two", "three"].map(frame);
  for (const bytes of sent) test.link.send(bytes);
  const expected = sent.flatMap((bytes) => [...bytes]);
  const received: number[] = [];
  const buffer = new Uint8Array(100);
  while (received.length < expected.length) {
    const count = await test.conn.read(buffer) ?? 0;
    received.push(...buffer.subarray(0, count));
  }
  assertEquals(received, expected);
});

Deno.test("openTcpLink() hands over messages when they are complete, wherever they are cut", async () => {
  using test = await connect();
  const bytes = new Uint8Array([...frame("a"), ...frame("b"), ...frame("last")]);
  for (let cut = 6; cut < bytes.length; cut++) {
    const before = test.told.length;
    await test.conn.write(bytes.subarray(0, cut));
    await test.until(before + 2);
    assertEquals(test.told.slice(before), ["a", "b"]);
    await test.conn.write(bytes.subarray(cut));
    await test.until(before + 3);
    assertEquals(test.told[before + 2], "last");
  }
});

Deno.test("openTcpLink() hands over empty messages, and one of the greatest length", async () => {
  using test = await connect();
  const long = frame("x".repeat(65535));
  await test.conn.write(frame(""));
  for (let at = 0; at < long.length;) at += await test.conn.write(long.subarray(at));
  await test.until(2);
  assertEquals(test.told.map((text) => text.length), [0, 65535]);
});

Deno.test("openTcpLink() tells the end once, and not after close()", async () => {
  using ended = await connect();
  ended.conn.closeWrite();
  await ended.until(1);
  ended.link.close();
  using closed = await connect();
  closed.link.close();
  assertEquals(await closed.conn.read(new Uint8Array(1)), null);
  assertEquals([ended.told, closed.told], [["end: connection closed by the DNS resolver"], []]);
});
