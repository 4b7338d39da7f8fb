import { assert, assertEquals, assertRejects } from "@std/assert";
import { adoptSocket } from "../../src/postfix/inherited.ts";
import { activate, hasSocketActivate, poke } from "../fakes/activation.ts";
import { freePort } from "../fakes/free_port.ts";
import { frame, TestClient } from "./support.ts";

const SERVER = new URL("inherited_server.ts", import.meta.url).pathname;

const ignore = !hasSocketActivate();

/** A server of two clients at a time on an inherited socket. */
async function startInherited() {
  const port = freePort();
  const [program, ...args] = activate({ [`127.0.0.1:${port}`]: "test" }, [
    Deno.execPath(),
    "run",
    "--allow-all",
    "--quiet",
    SERVER,
  ]);
  const child = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  await poke(port);
  return {
    connect: () => TestClient.connect({ kind: "inet", hostname: "127.0.0.1", port }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

Deno.test({
  name: "adoptSocket() serves requests in pieces and in bulk, and replies of any size",
  ignore,
  async fn() {
    await using server = await startInherited();
    using client = await server.connect();
    for (const octet of frame("map 3")) await client.send(octet);
    assertEquals(await client.reply(), "xxx");
    const sizes = Array.from({ length: 2000 }, (_, index) => index % 50);
    const sending = client.request(...sizes.map((size) => `map ${size}`));
    for (const size of sizes) assertEquals((await client.reply())?.length, size);
    await sending;
    await client.request("map 100000", "map 100000");
    assertEquals((await client.reply())?.length, 100_000);
    assertEquals((await client.reply())?.length, 100_000);
  },
});

Deno.test({
  name: "adoptSocket() answers a client that has closed its side",
  ignore,
  async fn() {
    await using server = await startInherited();
    using client = await server.connect();
    await client.request("map 1", "map 2");
    await client.conn.closeWrite();
    assertEquals([await client.reply(), await client.reply()], ["x", "xx"]);
    assertEquals(await client.reply(), null);
  },
});

Deno.test({
  name:
    "adoptSocket() has clients wait while all connections are in use, and survives those that leave",
  ignore,
  async fn() {
    await using server = await startInherited();
    const clients = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
    for (const client of clients) await client.request("map 100000", "map 5");
    // Nobody takes these replies: closing resets the connections.
    for (const client of clients.slice(0, 6)) client[Symbol.dispose]();
    for (const client of clients.slice(6)) {
      assertEquals((await client.reply())?.length, 100_000);
      assertEquals(await client.reply(), "xxxxx");
      client[Symbol.dispose]();
    }
    using last = await server.connect();
    await last.request("map 7");
    assertEquals(await last.reply(), "xxxxxxx");
  },
});

Deno.test("adoptSocket() says what to do about something that is no listening socket", async () => {
  const error = await assertRejects(() => adoptSocket({ fd: 999, name: "a.socket" }), Error);
  assert(
    error.message.startsWith(
      "Cannot take over socket 999 ('a.socket'): it is not a listening stream socket: check the socket unit",
    ),
  );
  assertEquals(error.message.split("\n").length, 1);
});
