import { assert, assertEquals } from "@std/assert";
import type { Stream } from "../../src/postfix/connection.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { createRandom } from "../fakes/random.ts";
import { settle } from "../fakes/manual_clock.ts";
import {
  echo,
  frame,
  LIMITS,
  metricValue,
  startServer,
  SWEEP_MS,
  TestClient,
  turn,
} from "./support.ts";

/** A handler whose replies the test gives, by payload. */
function slowHandler() {
  const open = new Map<string, PromiseWithResolvers<Uint8Array>>();
  const seen: string[] = [];
  let waiting: (() => void) | undefined;
  return {
    seen,
    handler(payload: string) {
      seen.push(payload);
      waiting?.();
      if (payload.startsWith("fast")) return encodeNetstring(`OK ${payload}`);
      const reply = Promise.withResolvers<Uint8Array>();
      open.set(payload, reply);
      return reply.promise;
    },
    answer(payload: string): void {
      open.get(payload)!.resolve(encodeNetstring(`OK ${payload}`));
    },
    fail(payload: string, error: unknown): void {
      open.get(payload)!.reject(error);
    },
    /** Waits until `count` requests came in. */
    async requests(count: number): Promise<void> {
      while (seen.length < count) await new Promise<void>((resolve) => waiting = resolve);
    },
  };
}

Deno.test("Connection answers one request after the other", async () => {
  await using server = await startServer(echo);
  using client = await server.connect();
  assertEquals(await client.ask("postfix a.example"), "OK postfix a.example");
  assertEquals(await client.ask(""), "OK ");
  assertEquals(await client.ask("\0\xff"), "OK \0\xff");
});

Deno.test("Connection answers requests sent ahead in their order, however they are cut", async () => {
  await using server = await startServer(echo, { pipeline: 7 });
  using client = await server.connect();
  const random = createRandom(1);
  const payloads = Array.from({ length: 500 }, (_, n) => `${n} ${"x".repeat(random.int(60))}`);
  const stream = payloads.map(frame).join("");
  const sending = (async () => {
    for (let at = 0; at < stream.length;) {
      const size = 1 + random.int(random.pick([3, 300, 9000]));
      await client.send(stream.slice(at, at += size));
    }
  })();
  assertEquals(await client.replies(500), payloads.map((payload) => `OK ${payload}`));
  await sending;
});

Deno.test("Connection takes a key of 10000 octets with a map name of 256", async () => {
  await using server = await startServer((payload) => encodeNetstring(`OK ${payload.length}`));
  using client = await server.connect();
  const longest = `${"m".repeat(256)} ${"k".repeat(10_000)}`;
  await client.request(longest, longest, "p x");
  assertEquals(await client.replies(3), ["OK 10257", "OK 10257", "OK 3"]);
  await client.request(longest + "x");
  assertEquals(await client.reply(), null);
});

Deno.test("Connection sends replies longer than its write buffer", async () => {
  const long = "x".repeat(99_000);
  await using server = await startServer((payload) =>
    encodeNetstring(payload === "long" ? long : payload)
  );
  using client = await server.connect();
  await client.request("a", "long", "b", "c", "long", "long");
  assertEquals(await client.replies(6), ["a", long, "b", "c", long, long]);
});

Deno.test("Connection handles requests side by side and answers each when its turn comes", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  await client.request("slow 1", "fast 2", "slow 3", "fast 4");
  await slow.requests(4);
  slow.answer("slow 3");
  await client.request("fast 5");
  await slow.requests(5);
  slow.answer("slow 1");
  assertEquals(
    await client.replies(5),
    ["slow 1", "fast 2", "slow 3", "fast 4", "fast 5"].map((p) => `OK ${p}`),
  );
  // The replies before a late one do not wait for it.
  await client.request("fast 6", "slow 7");
  assertEquals(await client.reply(), "OK fast 6");
  slow.answer("slow 7");
  assertEquals(await client.reply(), "OK slow 7");
});

Deno.test("Connection stops reading at the bound of open requests", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler, { pipeline: 3 });
  using client = await server.connect();
  await client.request(...Array.from({ length: 10 }, (_, n) => `slow ${n}`));
  await slow.requests(3);
  await settle();
  assertEquals(slow.seen.length, 3);
  slow.answer("slow 1");
  await settle();
  assertEquals(slow.seen.length, 3, "the head is still open");
  slow.answer("slow 0");
  assertEquals(await client.replies(2), ["OK slow 0", "OK slow 1"]);
  await slow.requests(5);
  await settle();
  assertEquals(slow.seen.length, 5);
  for (let n = 2; n < 10; n++) {
    await slow.requests(n + 1);
    slow.answer(`slow ${n}`);
    assertEquals(await client.reply(), `OK slow ${n}`);
  }
});

Deno.test("Connection answers TEMP when the handler throws or rejects, and goes on", async () => {
  await using server = await startServer((payload) => {
    if (payload === "throw") throw new Error("first bug");
    if (payload === "reject") return Promise.reject(new Error("second bug"));
    return encodeNetstring("OK");
  });
  using client = await server.connect();
  await client.request("a", "throw", "reject", "b");
  assertEquals(await client.replies(4), ["OK", "TEMP internal error", "TEMP internal error", "OK"]);
  const errors = server.lines.filter((line) => line.level === "error");
  assertEquals(errors.map((line) => line.event), ["request failed", "request failed"]);
  assert(String(errors[0]!.fields["error"]).includes("first bug\n    at "), "no stack");
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="handler"}'), 2);
});

Deno.test("Connection ends at a broken frame, after the replies to the requests before it", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  using other = await server.connect();
  await client.send(frame("slow 1") + frame("fast 2") + "12345x:" + frame("fast 3"));
  await slow.requests(2);
  slow.answer("slow 1");
  assertEquals(await client.replies(3), ["OK slow 1", "OK fast 2", null]);
  assertEquals(slow.seen, ["slow 1", "fast 2"]);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="frame"}'), 1);
  assertEquals(server.lines, [{
    level: "debug",
    event: "connection closed",
    fields: { reason: "frame", detail: "Length above the limit at offset 22" },
  }]);
  assertEquals(await other.ask("fast 4"), "OK fast 4");
});

Deno.test("Connection answers what was asked before the client closed its side", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  await client.request("slow 1", "fast 2");
  await client.conn.closeWrite();
  await slow.requests(2);
  slow.answer("slow 1");
  assertEquals(await client.replies(3), ["OK slow 1", "OK fast 2", null]);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="frame"}'), 0);
});

Deno.test("Connection counts an end within a request as broken", async () => {
  await using server = await startServer(echo);
  using client = await server.connect();
  await client.send("3:ab");
  await client.conn.closeWrite();
  assertEquals(await client.reply(), null);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="frame"}'), 1);
});

Deno.test("Connection survives a client that leaves while its request is handled", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  {
    using client = await server.connect();
    await client.request("slow 1");
    await slow.requests(1);
  }
  slow.answer("slow 1");
  using other = await server.connect();
  assertEquals(await other.ask("fast 2"), "OK fast 2");
});

Deno.test("Connection is closed when it was idle for too long", async () => {
  await using server = await startServer(echo, { idleTimeout: 8000 });
  using client = await server.connect();
  assertEquals(await client.ask("a"), "OK a");
  await server.clock.advance(8000 - SWEEP_MS);
  assertEquals(await client.ask("b"), "OK b");
  await server.clock.advance(8000 - SWEEP_MS);
  assertEquals(server.server.connections(), 1);
  await server.clock.advance(3 * SWEEP_MS);
  assertEquals(await client.reply(), null);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="stalled"}'), 0);
});

Deno.test("Connection is closed when a request is not completed in time, byte by byte or not", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  using other = await server.connect();
  assertEquals(await client.ask("fast 1"), "OK fast 1");
  assertEquals(await other.ask("fast 2"), "OK fast 2");
  await client.send("100:");
  let ms = 0;
  for (; server.server.connections() > 1; ms += SWEEP_MS) {
    await client.send("x").catch(() => {});
    await turn();
    await server.clock.advance(SWEEP_MS);
    assert(ms < 2 * LIMITS.ioTimeout, "still open");
  }
  assert(ms > LIMITS.ioTimeout, `closed after ${ms} ms`);
  assertEquals(await client.reply(), null);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="stalled"}'), 1);
  assertEquals(await other.ask("fast 3"), "OK fast 3");
});

Deno.test("Connection waits for a slow handler for as long as it takes", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler, { idleTimeout: 8000 });
  using client = await server.connect();
  await client.request("slow 1");
  await slow.requests(1);
  await server.clock.advance(100_000);
  slow.answer("slow 1");
  assertEquals(await client.reply(), "OK slow 1");
});

Deno.test("Connection holds one large reply at a time for a client that sends ahead and takes none", async () => {
  const large = encodeNetstring("x".repeat(100_000));
  let handled = 0;
  await using server = await startServer(() => {
    handled++;
    return large;
  });
  using client = await server.connect();
  await Promise.all(Array.from({ length: 90 }, () => client.request("a")));
  for (let turns = 0; turns < 50; turns++) await turn();
  // What socket buffers take has left; the rest was not even asked for.
  assert(handled >= 1 && handled < 90, `${handled} handled`);
});

Deno.test("Connection is closed when the client does not take its replies", async () => {
  const long = encodeNetstring("x".repeat(100_000));
  await using server = await startServer(() => long);
  const client = await server.connect();
  // More than any socket buffer holds, so that a write blocks.
  let sent = 0;
  const sending = (async () => {
    for (;; sent++) await client.request("a");
  })().catch(() => {});
  do {
    await turn();
    await server.clock.advance(SWEEP_MS);
  } while (server.server.connections() > 0);
  assertEquals(metricValue(server.metrics, 'mta_sts_connection_errors_total{reason="stalled"}'), 1);
  // The write that was under way does not keep the server from stopping.
  await server.server.drain(1000);
  client.conn.close();
  await sending;
});

Deno.test("Connection reads nothing more while a late reply is not taken", async () => {
  const slow = slowHandler();
  await using server = await startServer(slow.handler);
  const later = Promise.withResolvers<string>();
  const requests = [Promise.resolve(frame("slow 1")), later.promise];
  let reads = 0;
  let writes = 0;
  const stream: Stream = {
    async read(space) {
      const octets = await requests[reads++]!;
      space.set(Uint8Array.from(octets, (char) => char.charCodeAt(0)));
      return octets.length;
    },
    write() {
      writes++;
      return new Promise(() => {});
    },
    close() {},
  };
  const streams = [stream];
  server.server.serveListener({
    accept: () => streams.length > 0 ? Promise.resolve(streams.pop()!) : new Promise(() => {}),
    close() {},
  });
  await slow.requests(1);
  slow.answer("slow 1");
  await settle();
  later.resolve(frame("fast 2"));
  await slow.requests(2);
  await settle();
  assertEquals([reads, writes], [2, 1]);
  server.server.closeNow();
});

Deno.test("Connection answers thousands of other clients whatever octets some send", async () => {
  await using server = await startServer(echo);
  const random = createRandom(10_000);
  for (let batch = 0; batch < 100; batch++) {
    const clients = await Promise.all(Array.from({ length: 100 }, () => server.connect()));
    await Promise.all(clients.map(async (client) => {
      const noise = random.pick([
        () => String.fromCharCode(...random.bytes(1 + random.int(50))),
        () => random.string(1 + random.int(50), "0123456789:,ab"),
        () => random.mutate(frame("postfix a.example"), "0123456789:,\xff"),
      ])();
      await client.send([...noise].filter((char) => char <= "\xff").join("")).catch(() => {});
      client[Symbol.dispose]();
    }));
  }
  using client = await TestClient.connect(server.address);
  assertEquals(await client.ask("b"), "OK b");
});
