/**
 * POST over a real socket, with a clock under the test's hand.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createLog } from "../../src/base/log.ts";
import { writeAll } from "../../src/base/connection.ts";
import { createHttpServer, text } from "../../src/http/server.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const MAX = 100_000;

function start(more: { maxWaiting?: number; fail?: boolean } = {}) {
  const clock = new ManualClock();
  const bodies: Uint8Array[] = [];
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", write: (line) => lines.push(line) });
  let displaced = 0;
  const server = createHttpServer({
    handle: ({ method, path }) => text(200, `${method} ${path}`),
    post: {
      maxBodyOctets: MAX,
      judge: ({ path }, contentType) => {
        if (path !== "/in") return text(404, "No.");
        return contentType === "a/b" ? undefined : text(415, "No.");
      },
      handle: (_request, body) => {
        bodies.push(body);
        if (more.fail) throw new TypeError("oops");
        return text(201, `${body.length}`);
      },
    },
    clock,
    log,
    displaced: () => displaced++,
    maxWaiting: more.maxWaiting ?? 64,
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.serve(listener);
  const displacedCount = () => displaced;
  return { server, clock, bodies, lines, displacedCount, port: listener.addr.port };
}

async function exchange(port: number, request: string | Uint8Array): Promise<string> {
  using conn = await Deno.connect({ port });
  const octets = typeof request === "string" ? new TextEncoder().encode(request) : request;
  await writeAll(conn, octets).catch(() => {});
  return await readAll(conn);
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

function post(body: string, ...fields: string[]): string {
  return ["POST /in HTTP/1.1", "Host: a", "Content-Type: a/b", ...fields, "", body].join("\r\n");
}

function statusOf(reply: string): string {
  return reply.split(" ")[1] ?? "";
}

Deno.test("a server that takes POST hands the body on", async () => {
  const { server, port, bodies } = start();
  const reply = await exchange(port, post("abc", "Content-Length: 3"));
  assertMatch(reply, /^HTTP\/1\.1 201 Created\r\n/);
  assert(reply.endsWith("\r\n\r\n3\n"));
  await exchange(port, post("2\r\nde\r\n0\r\n\r\n", "Transfer-Encoding: chunked"));
  assertEquals(bodies.map((body) => new TextDecoder().decode(body)), ["abc", "de"]);
  const body = new Uint8Array(MAX);
  const response = await fetch(`http://127.0.0.1:${port}/in`, {
    method: "POST",
    headers: { "content-type": "a/b" },
    body,
  });
  assertEquals([response.status, await response.text()], [201, "100000\n"]);
  server.close();
});

Deno.test("a body that is not wanted is not read", async () => {
  const { server, port, bodies } = start();
  const status = async (request: string) => statusOf(await exchange(port, request));
  const length = "Content-Length: 3";
  assertEquals(await status(post("abc", length).replace("/in", "/other")), "404");
  assertEquals(await status(post("abc", length).replace("a/b", "c/d")), "415");
  assertEquals(await status(post("")), "411");
  assertEquals(await status(post("", `Content-Length: ${MAX + 1}`)), "413");
  assertEquals(await status(post("", `Content-Length: ${"9".repeat(15)}`)), "413");
  assertEquals(await status(post("abc", length, length)), "400");
  assertEquals(await status(post("FFFFFF\r\n", "Transfer-Encoding: chunked")), "413");
  assertEquals(await status(post("zz\r\n", "Transfer-Encoding: chunked")), "400");
  assertEquals(await status("PUT /in HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), "405");
  assertEquals(await status("GET /in HTTP/1.1\r\n\r\n"), "200");
  assertEquals(bodies, []);
  server.close();
});

Deno.test("a client that asks first hears whether its body is wanted (RFC 9110 §10.1.1)", async () => {
  const { server, port } = start();
  const ask = async (path: string) => {
    const conn = await Deno.connect({ port });
    const request = post("", "Content-Length: 3", "Expect: 100-continue").replace("/in", path);
    await writeAll(conn, new TextEncoder().encode(request));
    const buffer = new Uint8Array(1000);
    const count = await conn.read(buffer) ?? 0;
    return { conn, first: new TextDecoder().decode(buffer.subarray(0, count)) };
  };
  const { conn, first } = await ask("/in");
  assertEquals(first, "HTTP/1.1 100 Continue\r\n\r\n");
  await writeAll(conn, new TextEncoder().encode("abc"));
  assertEquals(statusOf(await readAll(conn)), "201");
  conn.close();
  const other = await ask("/other");
  assertEquals(statusOf(other.first), "404");
  other.conn.close();
  server.close();
});

Deno.test("a body that does not come ends with its connection, after ten seconds", async () => {
  const { server, clock, port, bodies } = start();
  const conn = await Deno.connect({ port });
  await writeAll(conn, new TextEncoder().encode(post("ab", "Content-Length: 3")));
  let isOver = false;
  const reply = readAll(conn).then((text) => {
    isOver = true;
    return text;
  });
  for (let waited = 0; !isOver && waited < 400; waited++) {
    await clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals([await reply, bodies.length], ["", 0]);
  conn.close();
  server.close();
});

Deno.test("a body may take longer than a head", async () => {
  const { server, clock, port } = start();
  const conn = await Deno.connect({ port });
  const request = post("", "Content-Length: 3", "Expect: 100-continue");
  await writeAll(conn, new TextEncoder().encode(request));
  // From here on, the server waits for the body.
  await conn.read(new Uint8Array(100));
  await clock.advance(9000);
  await writeAll(conn, new TextEncoder().encode("abc"));
  assertEquals(statusOf(await readAll(conn)), "201");
  conn.close();
  server.close();
});

Deno.test("clients that send bodies slowly do not keep others out", async () => {
  const { server, clock, port, displacedCount } = start({ maxWaiting: 4 });
  const slow = await Promise.all(Array.from({ length: 4 }, async () => {
    const conn = await Deno.connect({ port });
    await writeAll(conn, new TextEncoder().encode(post("", "Content-Length: 3")));
    return conn;
  }));
  // Whoever has held a place for a second loses it to a newcomer.
  const ticking = setInterval(() => clock.advance(500), 5);
  assertEquals(statusOf(await exchange(port, post("abc", "Content-Length: 3"))), "201");
  clearInterval(ticking);
  assertEquals(displacedCount(), 1);
  for (const conn of slow) conn.close();
  server.close();
});

Deno.test("a bug in a handler of POST is status 500, and logged", async () => {
  const { server, port, lines } = start({ fail: true });
  assertEquals(statusOf(await exchange(port, post("abc", "Content-Length: 3"))), "500");
  assertStringIncludes(lines.join(""), "http request failed path=/in");
  server.close();
});
