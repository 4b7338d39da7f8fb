import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { httpGet } from "../../src/monitor/http_client.ts";
import type { HttpRequest } from "../../src/monitor/http_request.ts";
import { createHttpServer, type HttpReply, text } from "../../src/monitor/http_server.ts";
import { createLog } from "../../src/monitor/log.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

type Handle = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

const ECHO: Handle = ({ method, path }) => text(200, `${method} ${path}`);

/** A server on a port of its own. */
function start(handle: Handle = ECHO) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  const server = createHttpServer({ handle, clock, log });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.serve(listener);
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

Deno.test("createHttpServer() ends a connection after ten seconds, head or no head", async () => {
  const { server, clock, port } = start();
  const conn = await Deno.connect({ port });
  await conn.write(new TextEncoder().encode("GET / HTT"));
  await eventually(() => clock.pending === 1);
  await clock.advance(9_999);
  assertEquals(clock.pending, 1);
  await clock.advance(1);
  assertEquals(await readAll(conn), "");
  conn.close();
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
  await new Promise((resolve) => setTimeout(resolve, 20));
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
