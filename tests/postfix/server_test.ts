import { assert, assertEquals, assertRejects } from "@std/assert";
import { createMetrics } from "../../src/base/metrics.ts";
import type { Stream } from "../../src/postfix/connection.ts";
import type { ConnectionSource } from "../../src/postfix/listen.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { createServer } from "../../src/postfix/server.ts";
import { ManualClock, settle } from "../fakes/manual_clock.ts";
import {
  echo,
  fromText,
  LIMITS,
  metricValue,
  recordLog,
  startServer,
  SWEEP_MS,
  TestClient,
  turn,
} from "./support.ts";

/** Connections go on this long after the server has ended, ms. */
const LINGER_MS = 100;

/** A handler whose replies come when the test says so. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const started = Promise.withResolvers<void>();
  return {
    started: started.promise,
    open: () => resolve(encodeNetstring("OK late")),
    handler(payload: string) {
      if (payload === "fast") return encodeNetstring("OK fast");
      started.resolve();
      return promise;
    },
  };
}

Deno.test("SocketmapServer.listen() serves several addresses at once", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mta-sts-" });
  await using server = await startServer(echo);
  const addresses = [
    server.address,
    await server.server.listen({ kind: "inet", hostname: "::1", port: 0 }),
    await server.server.listen({ kind: "unix", path: `${directory}/socket`, mode: 0o600 }),
  ];
  assertEquals(server.server.sockets(), 3);
  for (const address of addresses) {
    using client = await TestClient.connect(address);
    assertEquals(await client.ask("a"), "OK a");
  }
  await server.server.drain(0);
  for (const address of addresses) await assertRejects(() => TestClient.connect(address));
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

Deno.test("SocketmapServer.unlisten() closes one socket, and no connection", async () => {
  await using server = await startServer(echo);
  const second = await server.server.listen({ kind: "inet", hostname: "127.0.0.1", port: 0 });
  using client = await TestClient.connect(second);
  assertEquals(await client.ask("a"), "OK a");
  server.server.unlisten(second);
  assertEquals(server.server.sockets(), 1);
  await assertRejects(() => TestClient.connect(second));
  assertEquals(await client.ask("b"), "OK b");
  using other = await server.connect();
  assertEquals(await other.ask("c"), "OK c");
  assertEquals(server.lines, []);
});

Deno.test("SocketmapServer gives a new client the place of the quietest at the connection limit", async () => {
  await using server = await startServer(echo, { connections: 2 });
  using first = await server.connect();
  assertEquals(await first.ask("1"), "OK 1");
  await server.clock.advance(SWEEP_MS);
  using second = await server.connect();
  assertEquals(await second.ask("2"), "OK 2");
  using third = await server.connect();
  assertEquals(await third.ask("3"), "OK 3");
  assertEquals(await first.reply(), null);
  assertEquals(await second.ask("2"), "OK 2");
  assertEquals(server.server.connections(), 2);
  const displaced = 'mta_sts_connection_errors_total{reason="displaced"}';
  assertEquals(metricValue(server.metrics, displaced), 1);
});

Deno.test("SocketmapServer lets a client wait at the connection limit while all others are owed a reply", async () => {
  const slow = gate();
  await using server = await startServer(slow.handler, { connections: 1 });
  using first = await server.connect();
  await first.request("slow");
  await slow.started;
  using second = await server.connect();
  await second.request("fast");
  await settle();
  assertEquals(server.server.connections(), 1);
  slow.open();
  assertEquals(await first.reply(), "OK late");
  await server.clock.advance(20);
  assertEquals(await second.reply(), "OK fast");
  assertEquals(await first.reply(), null);
});

Deno.test("SocketmapServer.drain() ends idle connections now, others when answered", async () => {
  const slow = gate();
  await using server = await startServer(slow.handler);
  using idle = await server.connect();
  using begun = await server.connect();
  using busy = await server.connect();
  assertEquals(await idle.ask("fast"), "OK fast");
  assertEquals(await begun.ask("fast"), "OK fast");
  await begun.send("10:");
  await busy.request("slow", "fast");
  await slow.started;
  const drained = server.server.drain(5000);
  await server.clock.advance(LINGER_MS);
  assertEquals(await idle.reply(), null);
  assertEquals(await begun.reply(), null);
  assertEquals(server.server.connections(), 1);
  await assertRejects(() => server.connect());
  await server.clock.advance(4999 - LINGER_MS);
  slow.open();
  assertEquals(await busy.replies(3), ["OK late", "OK fast", null]);
  await drained;
  assertEquals(server.server.connections(), 0);
  assertEquals(server.clock.pending, 0);
});

Deno.test("SocketmapServer.drain() answers for a moment what has arrived and is on its way", async () => {
  await using server = await startServer(echo);
  using old = await server.connect();
  using fresh = await server.connect();
  assertEquals(await old.ask("1"), "OK 1");
  while (server.server.connections() < 2) await turn();
  const drained = server.server.drain(5000);
  assertEquals(await fresh.ask("2"), "OK 2");
  assertEquals(await old.ask("3"), "OK 3");
  await server.clock.advance(LINGER_MS - 1);
  assertEquals(await old.ask("4"), "OK 4");
  await server.clock.advance(1);
  assertEquals([await old.reply(), await fresh.reply()], [null, null]);
  await drained;
});

Deno.test("SocketmapServer.drain() answers what was received beyond the bound of open requests", async () => {
  const slow = gate();
  await using server = await startServer(slow.handler, { pipeline: 2 });
  using client = await server.connect();
  await client.request("slow", "fast", "fast", "fast", "slow");
  await slow.started;
  const drained = server.server.drain(5000);
  await server.clock.advance(LINGER_MS);
  slow.open();
  assertEquals(
    await client.replies(6),
    ["OK late", "OK fast", "OK fast", "OK fast", "OK late", null],
  );
  await drained;
});

Deno.test("SocketmapServer.drain() waits no longer than it may", async () => {
  const slow = gate();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  await client.request("slow");
  await slow.started;
  const drained = server.server.drain(5000);
  await server.clock.advance(4999);
  assertEquals(server.server.connections(), 1);
  await server.clock.advance(1);
  await drained;
  assertEquals(await client.reply(), null);
  assertEquals(server.server.connections(), 0);
  slow.open();
});

Deno.test("SocketmapServer.drain() leaves nobody out who waits for a place", async () => {
  await using server = await startServer(echo, { connections: 1 });
  using first = await server.connect();
  assertEquals(await first.ask("1"), "OK 1");
  using second = await server.connect();
  const drained = server.server.drain(5000);
  await server.clock.advance(LINGER_MS);
  await drained;
  assertEquals(await first.reply(), null);
  assertEquals(await second.reply(), null);
});

Deno.test("SocketmapServer.closeNow() closes all at once", async () => {
  const slow = gate();
  await using server = await startServer(slow.handler);
  using client = await server.connect();
  await client.request("slow");
  await slow.started;
  server.server.closeNow();
  assertEquals(server.server.connections(), 0);
  assertEquals(await client.reply(), null);
  slow.open();
});

Deno.test("SocketmapServer goes on accepting after a failure, with growing pauses", async () => {
  const clock = new ManualClock();
  const metrics = createMetrics();
  const { log, lines } = recordLog();
  const server = createServer({ handler: fromText(echo), log, metrics, clock, limits: LIMITS });
  const closed = Promise.withResolvers<Stream>();
  const accepted = Promise.withResolvers<void>();
  const attempts: number[] = [];
  const source: ConnectionSource = {
    accept() {
      attempts.push(clock.now());
      if (attempts.length < 10) return Promise.reject(new Error("Too many open files"));
      accepted.resolve();
      return closed.promise;
    },
    close: () => closed.reject(new Deno.errors.BadResource("closed")),
  };
  server.serveListener(source);
  await clock.advance(60_000);
  await accepted.promise;
  const pauses = attempts.slice(1).map((at, n) => at - attempts[n]!);
  assertEquals(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
  assertEquals(metricValue(metrics, 'mta_sts_connection_errors_total{reason="accept"}'), 9);
  assertEquals(lines.map(({ level, event }) => [level, event]), [["warn", "accept failed"]]);
  await server.drain(0);
});

Deno.test("SocketmapServer serves a connection from any source, and closes it when stopped", async () => {
  const clock = new ManualClock();
  const { log } = recordLog();
  const metrics = createMetrics();
  const server = createServer({ handler: fromText(echo), log, metrics, clock, limits: LIMITS });
  const written: Uint8Array[] = [];
  const reads = [encodeNetstring("a"), null];
  let open = true;
  const stream: Stream = {
    read(space) {
      const bytes = reads.shift();
      if (bytes) space.set(bytes);
      return Promise.resolve(bytes?.length ?? null);
    },
    write(bytes) {
      // One octet at a time, as a full socket might take it.
      written.push(bytes.slice(0, 1));
      return Promise.resolve(1);
    },
    close: () => open = false,
  };
  const streams = [stream];
  let sourceOpen = true;
  server.serveListener({
    accept: () => streams.length > 0 ? Promise.resolve(streams.pop()!) : new Promise(() => {}),
    close: () => sourceOpen = false,
  });
  await settle();
  assertEquals(new TextDecoder().decode(new Uint8Array(written.flatMap((b) => [...b]))), "4:OK a,");
  assert(!open);
  server.closeNow();
  assert(!sourceOpen);
  let late = true;
  server.serveListener({ accept: () => new Promise(() => {}), close: () => late = false });
  assert(!late, "a source that comes after the stop stays open");
});

Deno.test("SocketmapServer has no timer without a connection", async () => {
  await using server = await startServer(echo);
  assertEquals(server.clock.pending, 0);
  const client = await server.connect();
  assertEquals(await client.ask("a"), "OK a");
  assertEquals(server.clock.pending, 1);
  await server.server.drain(0);
  assertEquals(server.clock.pending, 0);
  client[Symbol.dispose]();
});
