import { assert, assertEquals } from "@std/assert";
import type { Connected } from "../../src/https/connect.ts";
import { createRelay, type Relay } from "../../src/https/relay.ts";
import { createClock } from "../../src/base/clock.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { SocketGroup, writeAll, writeText } from "../fakes/policy_host.ts";

const HOST = "mta-sts.x.test";

const { signal } = new AbortController();

/** The messages of a client that knows how. */
const GREETING = [5, 2, 0, 2];
const request = (host: string, port = 443) => [
  ...[5, 1, 0, 3, host.length],
  ...new TextEncoder().encode(host),
  ...[port >> 8, port & 255],
];

/** What a client of the relay must say to be let in. */
function secret({ proxy }: Relay, change: (password: string) => string = (same) => same): number[] {
  const { username, password } = (proxy as { basicAuth: Deno.BasicAuth }).basicAuth;
  const text = new TextEncoder();
  const given = change(password);
  return [1, username.length, ...text.encode(username), given.length, ...text.encode(given)];
}

function connect({ proxy }: Relay): Promise<Deno.TcpConn> {
  const { port } = new URL((proxy as { url: string }).url);
  return Deno.connect({ hostname: "127.0.0.1", port: parseInt(port, 10) });
}

/** Says each message once the relay has replied to the one before. @returns All that it replied; it may have closed. */
async function converse(conn: Deno.Conn, messages: number[][]): Promise<number[]> {
  const replies: number[] = [];
  const buffer = new Uint8Array(64);
  try {
    for (const message of messages) {
      await writeAll(conn, Uint8Array.from(message));
      const size = await conn.read(buffer);
      if (size === null) break;
      replies.push(...buffer.subarray(0, size));
    }
  } catch {
    // Closed while we spoke.
  }
  return replies;
}

/** A host that echoes, and a pin for it. */
function echoHost(): { connect: () => Promise<Connected>; sockets: SocketGroup } {
  const sockets = new SocketGroup();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  sockets.accept(listener, async (conn) => {
    const buffer = new Uint8Array(64);
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      await writeAll(conn, buffer.subarray(0, size));
    }
  });
  const connect = async (): Promise<Connected> => ({
    kind: "connected",
    conn: await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    address: "192.0.2.1",
  });
  return { connect, sockets };
}

async function readText(conn: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(64);
  const size = await conn.read(buffer).catch(() => null);
  return size === null ? null : new TextDecoder().decode(buffer.subarray(0, size));
}

Deno.test("createRelay() takes the client to the connection that was pinned, and ends with the pin", async () => {
  const relay = createRelay({ clock: createClock(), concurrency: 10 });
  const { connect: connectHost, sockets } = echoHost();
  const pin = await relay.pin(HOST, { connect: connectHost, signal });
  const client = await connect(relay);
  const replies = await converse(client, [GREETING, secret(relay), request(HOST)]);
  assertEquals(replies, [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  await writeText(client, "hello");
  assertEquals(await readText(client), "hello");
  client.close();
  pin?.release();
  relay.close();
  await sockets.close();
});

Deno.test("createRelay() lets nobody in without the secret, nor anywhere but to what is pinned", async () => {
  const relay = createRelay({ clock: createClock(), concurrency: 10 });
  const { connect: connectHost, sockets } = echoHost();
  const pin = await relay.pin(HOST, { connect: connectHost, signal });
  const wrong: [string, number[][], number][] = [
    ["no authentication", [[5, 1, 0], request(HOST)], 0],
    [
      "another secret",
      [GREETING, secret(relay, (text) => text.replace(/.$/, "z"))],
      2,
    ],
    ["a shorter secret", [GREETING, secret(relay, (text) => text.slice(1))], 2],
    ["SOCKS4", [[4, 1, 1, 187, 9, 9, 9, 9, 0]], 0],
    ["HTTP", [Array.from(`CONNECT ${HOST}:443 HTTP/1.1\r\n\r\n`, (c) => c.charCodeAt(0))], 0],
    ["TLS", [[22, 3, 1, 2, 0, 1, 0, 1]], 0],
    ["another host", [GREETING, secret(relay), request("mta-sts.y.test")], 4],
    ["another port", [GREETING, secret(relay), request(HOST, 25)], 4],
    ["an address", [GREETING, secret(relay), [5, 1, 0, 1, 9, 9, 9, 9, 1, 187]], 4],
    ["BIND", [GREETING, secret(relay), [5, 2, 0, ...request(HOST).slice(3)]], 4],
    ["more than was asked", [[...GREETING, 1, 2, 3]], 0],
    ["a name without an end", [GREETING, secret(relay), [...request(HOST), 0]], 4],
  ];
  for (const [title, messages, length] of wrong) {
    const client = await connect(relay);
    assertEquals([title, (await converse(client, messages)).length], [title, length]);
    assertEquals([title, await readText(client)], [title, null]);
    client.close();
  }
  // Nobody has used up what was pinned.
  const client = await connect(relay);
  const replies = await converse(client, [GREETING, secret(relay), request(HOST)]);
  assertEquals(replies.length, 14);
  // Nor can it be used twice.
  const second = await connect(relay);
  assertEquals((await converse(second, [GREETING, secret(relay), request(HOST)])).length, 4);
  for (const conn of [client, second]) conn.close();
  pin?.release();
  relay.close();
  await sockets.close();
});

Deno.test("createRelay() has a secret of its own each time", () => {
  const relays = [1, 2].map(() => createRelay({ clock: createClock(), concurrency: 1 }));
  const [first, second] = relays.map((relay) => secret(relay).join());
  assert(first !== second);
  for (const relay of relays) relay.close();
});

Deno.test("createRelay() listens to so many strangers, each for two seconds, and to ours nevertheless", async () => {
  const clock = new ManualClock();
  const relay = createRelay({ clock, concurrency: 2 });
  const { connect: connectHost, sockets } = echoHost();
  const strangers: Deno.TcpConn[] = [];
  for (let made = 0; made < 64 + 2 + 10; made++) strangers.push(await connect(relay));
  // The oldest ten had to go.
  for (const stranger of strangers.slice(0, 10)) assertEquals(await readText(stranger), null);
  const pin = await relay.pin(HOST, { connect: connectHost, signal });
  const client = await connect(relay);
  const replies = await converse(client, [GREETING, secret(relay), request(HOST)]);
  assertEquals(replies.length, 14);
  await clock.advance(2000);
  for (const stranger of strangers.slice(10)) assertEquals(await readText(stranger), null);
  await writeText(client, "still here");
  assertEquals(await readText(client), "still here");
  for (const conn of [...strangers, client]) conn.close();
  pin?.release();
  relay.close();
  await sockets.close();
});

Deno.test("createRelay() ends the client's connection when there is none to the host", async () => {
  const relay = createRelay({ clock: createClock(), concurrency: 2 });
  const failed = Promise.resolve<Connected>({ kind: "failed", reason: "connect", detail: "" });
  const pin = await relay.pin(HOST, { connect: () => failed, signal });
  const client = await connect(relay);
  assertEquals((await converse(client, [GREETING, secret(relay), request(HOST)])).length, 4);
  client.close();
  pin?.release();
  relay.close();
});

Deno.test("a pin that is released closes its connection, asked for or not", async () => {
  const clock = new ManualClock();
  const relay = createRelay({ clock, concurrency: 2 });
  const { connect: connectHost, sockets } = echoHost();
  // Not asked for, and connected only after the release.
  const late = Promise.withResolvers<Connected>();
  const unused = await relay.pin(HOST, { connect: () => late.promise, signal });
  unused?.release();
  const outcome = await connectHost();
  late.resolve(outcome);
  await unused?.connecting;
  assert(outcome.kind === "connected");
  assertEquals(await readText(outcome.conn), null);
  // Asked for by a client that does not let go.
  const used = await relay.pin(HOST, { connect: connectHost, signal });
  const client = await connect(relay);
  await converse(client, [GREETING, secret(relay), request(HOST)]);
  used?.release();
  await writeText(client, "last words");
  assertEquals(await readText(client), "last words");
  await clock.advance(1000);
  assertEquals(await readText(client), null);
  client.close();
  relay.close();
  await sockets.close();
  assertEquals(clock.pending, 0);
});
