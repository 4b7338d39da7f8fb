import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { httpGet } from "../../src/http/client.ts";
import type { HttpRequest } from "../../src/http/request.ts";
import { createHttpServer, text } from "../../src/http/server.ts";
import type { HttpReply, HttpServerOptions, HttpSource } from "../../src/http/server.ts";
import { createLog } from "../../src/base/log.ts";
import { STAY_MS } from "../../src/http/waiting_room.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

type Handle = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

const ECHO: Handle = ({ method, path }) => text(200, `${method} ${path}`);

/** Where connections come from, as the server sees it. */
interface Peer {
  hostname: string;
}

/** The connections of a listener, from the address of the moment. */
function comingFrom(peer: Peer, listener: Deno.TcpListener): HttpSource {
  return {
    async accept() {
      const conn = await listener.accept();
      const { hostname } = peer;
      return {
        remoteAddr: { transport: "tcp", hostname, port: 1 },
        read: (buffer) => conn.read(buffer),
        write: (bytes) => conn.write(bytes),
        closeWrite: () => conn.closeWrite(),
        close: () => conn.close(),
      };
    },
    close: () => listener.close(),
  };
}

/** A server on a port of its own. */
function start(handle: Handle = ECHO, more: Partial<HttpServerOptions> & { peer?: Peer } = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const { peer, ...options } = more;
  const server = createHttpServer({ handle, clock, log, ...options });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.serve(peer === undefined ? listener : comingFrom(peer, listener));
  return { server, clock, lines, port: listener.addr.port };
}

/** Sends bytes and reads until the server closes. */
async function exchange(port: number, request: string): Promise<string> {
  const conn = await Deno.connect({ port });
  await conn.write(new TextEncoder().encode(request));
  const reply = await readAll(conn);
  conn.close();
  return reply;
}

async function readAll(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (;;) {
    const count = await conn.read(buffer).catch(() => null);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

/** Tries again until it holds; for what happens on the other side of a socket. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(await holds());
}

Deno.test("createHttpServer() answers fetch, with fields that keep the page to itself", async () => {
  const { server, port } = start();
  const response = await fetch(`http://127.0.0.1:${port}/a?b`);
  assertEquals([response.status, await response.text()], [200, "GET /a\n"]);
  for (
    const [name, value] of [
      ["content-type", "text/plain; charset=utf-8"],
      ["cache-control", "no-store"],
      ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
      ["x-content-type-options", "nosniff"],
      ["referrer-policy", "no-referrer"],
    ] as const
  ) assertEquals(response.headers.get(name), value);
  server.close();
});

Deno.test("createHttpServer() answers HEAD without a body (RFC 9110 §9.3.2)", async () => {
  const { server, port } = start();
  const reply = await exchange(port, "HEAD /a HTTP/1.1\r\n\r\n");
  assertMatch(reply, /^HTTP\/1\.1 200 OK\r\n/);
  assertStringIncludes(reply, "content-length: 8\r\n");
  assert(reply.endsWith("\r\n\r\n"));
  server.close();
});

Deno.test("createHttpServer() refuses other methods and bad heads", async () => {
  const { server, port } = start();
  const first = async (request: string) => (await exchange(port, request)).split("\r\n")[0];
  assertEquals(
    await first("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"),
    "HTTP/1.1 405 Method Not Allowed",
  );
  assertEquals(await first("GET / SMTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  assertEquals(
    await first(`GET / HTTP/1.1\r\na: ${"x".repeat(10_000)}`),
    "HTTP/1.1 431 Request Header Fields Too Large",
  );
  assertStringIncludes(await exchange(port, "PUT / HTTP/1.1\r\n\r\n"), "allow: GET, HEAD\r\n");
  server.close();
});

Deno.test("createHttpServer() takes a head that comes byte by byte", async () => {
  const { server, port } = start();
  const conn = await Deno.connect({ port });
  conn.setNoDelay();
  for (const char of "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n") {
    await conn.write(new TextEncoder().encode(char));
  }
  assertStringIncludes(await readAll(conn), "GET /slow\n");
  conn.close();
  server.close();
});

Deno.test("createHttpServer() turns a bug into status 500 and a line in the log", async () => {
  const { server, port, lines } = start(() => {
    throw new TypeError("oops");
  });
  assertMatch(await exchange(port, "GET /x HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 500 /);
  assertStringIncludes(lines.join(""), "http request failed path=/x error=");
  server.close();
});

Deno.test("createHttpServer() ends a connection whose head has not come in three seconds", async () => {
  const { server, clock, port } = start();
  const conn = await Deno.connect({ port });
  await eventually(() => clock.pending === 1);
  await clock.advance(2_000);
  await conn.write(new TextEncoder().encode("GET / HTT"));
  await clock.advance(999);
  assertEquals(clock.pending, 1);
  await clock.advance(1);
  assertEquals(await readAll(conn), "");
  conn.close();
  server.close();
});

Deno.test("createHttpServer() ends a connection after ten seconds, whatever becomes of its request", async () => {
  const gate = Promise.withResolvers<HttpReply>();
  let asked = false;
  const { server, clock, port } = start(() => {
    asked = true;
    return gate.promise;
  });
  const conn = await Deno.connect({ port });
  await eventually(() => clock.pending === 1);
  await clock.advance(2_000);
  await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  await eventually(() => asked);
  await clock.advance(7_999);
  assertEquals(clock.pending, 1);
  await clock.advance(1);
  assertEquals(await readAll(conn), "");
  gate.resolve(text(200, "late"));
  conn.close();
  server.close();
});

/** What a held connection does before it is silent. */
const WAYS: Record<string, string> = {
  "say nothing": "",
  "stop inside the head": "GET / HTTP/1.1\r\nhost: a",
  "do not end after the answer": "GET /held HTTP/1.1\r\n\r\n",
};

for (const [way, sent] of Object.entries(WAYS)) {
  Deno.test(`createHttpServer() answers at once while 400 connections ${way}`, async () => {
    let displaced = 0;
    const { server, clock, port } = start(ECHO, { displaced: () => displaced++ });
    const held: Deno.Conn[] = [];
    // All places taken, and one that waits: those that came last keep theirs for a moment.
    const moveOn = async () => {
      if (clock.pending > 64) await clock.advance(STAY_MS);
      return displaced === 400 - 64;
    };
    while (held.length < 400) {
      const conn = await Deno.connect({ port });
      await conn.write(new TextEncoder().encode(sent));
      held.push(conn);
      await moveOn();
    }
    await eventually(moveOn);
    await clock.advance(1000);
    for (let left = 5; left > 0; left--) {
      assertStringIncludes(await exchange(port, "GET /good HTTP/1.1\r\n\r\n"), "GET /good\n");
    }
    assert(displaced > 400 - 64, String(displaced));
    for (const conn of held) conn.close();
    server.close();
  });
}

Deno.test("createHttpServer() lets one address hold half of the places, and answers the others", async () => {
  const peer = { hostname: "192.0.2.1" };
  let displaced = 0;
  const { server, clock, port } = start(ECHO, { displaced: () => displaced++, peer });
  const held: Deno.Conn[] = [];
  for (let left = 40; left > 0; left--) held.push(await Deno.connect({ port }));
  // Eight were turned away: those before them have just come.
  await eventually(() => displaced === 8);
  assertEquals(clock.pending, 32);
  peer.hostname = "192.0.2.2";
  assertStringIncludes(await exchange(port, "GET /good HTTP/1.1\r\n\r\n"), "GET /good\n");
  await clock.advance(1000);
  peer.hostname = "192.0.2.1";
  assertStringIncludes(await exchange(port, "GET /own HTTP/1.1\r\n\r\n"), "GET /own\n");
  assertEquals(displaced, 9);
  for (const conn of held) conn.close();
  server.close();
});

Deno.test("createHttpServer() displaces a client that does not read its answer", async () => {
  const body = "x".repeat(20_000_000);
  const { server, clock, port } = start(() => text(200, body), { maxWaiting: 2 });
  const held: Deno.Conn[] = [];
  for (let left = 2; left > 0; left--) {
    const conn = await Deno.connect({ port });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    // The head is read off at once, the body never.
    assert(await conn.read(new Uint8Array(16)));
    held.push(conn);
  }
  await clock.advance(1000);
  const next = await Deno.connect({ port });
  await next.write(new TextEncoder().encode("POST / HTTP/1.1\r\n\r\n"));
  assertMatch(await readAll(next), /^HTTP\/1\.1 405 /);
  for (const conn of [...held, next]) conn.close();
  server.close();
});

Deno.test("createHttpServer() makes room when it is out of files", async () => {
  let displaced = 0;
  const clock = new ManualClock();
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const server = createHttpServer({ handle: ECHO, clock, log, displaced: () => displaced++ });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let accepted = 0;
  server.serve({
    accept: () =>
      ++accepted === 2 ? Promise.reject(new Error("Too many open files")) : listener.accept(),
    close: () => listener.close(),
  });
  const quiet = await Deno.connect({ port: listener.addr.port });
  await eventually(() => displaced === 1);
  assertEquals(await readAll(quiet), "");
  await clock.advance(1000);
  assertStringIncludes(await exchange(listener.addr.port, "GET /a HTTP/1.1\r\n\r\n"), "GET /a\n");
  quiet.close();
  server.close();
});

Deno.test("createHttpServer() serves sixteen connections at once, and then the next", async () => {
  const gate = Promise.withResolvers<void>();
  let served = 0;
  const { server, port } = start(async () => {
    served++;
    await gate.promise;
    return text(200, "late");
  });
  const replies = Array.from({ length: 20 }, () => exchange(port, "GET / HTTP/1.1\r\n\r\n"));
  await eventually(() => served === 16);
  // Another server has accepted, answered and closed meanwhile; this one has not even accepted.
  const other = start();
  for (let i = 0; i < 10; i++) await exchange(other.port, "GET / HTTP/1.1\r\n\r\n");
  other.server.close();
  assertEquals(served, 16);
  gate.resolve();
  for (const reply of await Promise.all(replies)) assertStringIncludes(reply, "late\n");
  assertEquals(served, 20);
  server.close();
});

Deno.test("createHttpServer() tells of every reply, and sends octets as they are", async () => {
  const told: string[] = [];
  const server = createHttpServer({
    handle: () => ({ status: 200, type: "text/plain", body: Uint8Array.of(0xff, 0x0a) }),
    clock: new ManualClock(),
    log: createLog({ level: "error", format: "text" }),
    observe: ({ request, reply, peer }) =>
      told.push(`${peer?.transport} ${request?.path} ${reply.status}`),
    maxConnections: 1,
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.serve(listener);
  const response = await fetch(`http://127.0.0.1:${listener.addr.port}/a`);
  assertEquals(await response.bytes(), Uint8Array.of(0xff, 0x0a));
  await exchange(listener.addr.port, "nonsense\r\n\r\n");
  assertEquals(told, ["tcp /a 200", "tcp undefined 400"]);
  server.close();
});

Deno.test("createHttpServer() goes on after a failed accept", async () => {
  const clock = new ManualClock();
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const server = createHttpServer({ handle: ECHO, clock, log });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let failures = 1;
  server.serve({
    accept: () =>
      failures-- > 0 ? Promise.reject(new Error("Too many open files")) : listener.accept(),
    close: () => listener.close(),
  });
  await clock.advance(1000);
  const address = { kind: "inet", hostname: "127.0.0.1", port: listener.addr.port } as const;
  assertEquals((await httpGet(address, "/", { timeout: 2000 })).status, 200);
  server.close();
});

Deno.test("createHttpServer() and httpGet() speak over a unix socket", async () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/http.sock`;
  const log = createLog({ level: "error", format: "text", write: () => {} });
  const server = createHttpServer({ handle: ECHO, clock: new ManualClock(), log });
  server.serve(Deno.listen({ transport: "unix", path }));
  assertEquals(await httpGet({ kind: "unix", path }, "/unix", { timeout: 2000 }), {
    status: 200,
    body: "GET /unix\n",
  });
  server.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("close() ends open connections", async () => {
  const { server, clock, port } = start();
  const conn = await Deno.connect({ port });
  await eventually(() => clock.pending === 1);
  server.close();
  assertEquals(await readAll(conn), "");
  conn.close();
});
