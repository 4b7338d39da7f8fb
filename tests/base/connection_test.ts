import { assertEquals, assertRejects } from "@std/assert";
import { tryClose, withConnection, writeAll, writeAllSync } from "../../src/base/connection.ts";
import { ManualClock } from "../fakes/manual_clock.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** The address of a listener on loopback. */
function addressOf(listener: Deno.TcpListener) {
  return { kind: "inet", hostname: "127.0.0.1", port: listener.addr.port } as const;
}

Deno.test("withConnection() talks over TCP and closes the connection", async () => {
  using listener = Deno.listen(LOCAL);
  const server = listener.accept().then(async (conn) => {
    using _ = conn;
    await writeAll(conn, new TextEncoder().encode("hello"));
    // The end of the client's side.
    return await conn.read(new Uint8Array(1));
  });
  const talk = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(100);
    return new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
  };
  const options = { ms: 1000, clock: new ManualClock() };
  assertEquals(await withConnection(addressOf(listener), talk, options), "hello");
  assertEquals(await server, null);
});

Deno.test("withConnection() ends with the deadline, by the clock it is given", async () => {
  using listener = Deno.listen(LOCAL);
  const server = listener.accept();
  const clock = new ManualClock();
  const isTalking = Promise.withResolvers<void>();
  const talk = (conn: Deno.Conn) => {
    isTalking.resolve();
    return conn.read(new Uint8Array(1)).catch(() => null);
  };
  const asking = withConnection(addressOf(listener), talk, { ms: 1000, clock });
  await isTalking.promise;
  const refused = assertRejects(() => asking, Error, "no reply within 1000 ms");
  await clock.advance(1000);
  await refused;
  using conn = await server;
  assertEquals(await conn.read(new Uint8Array(1)), null);
});

Deno.test("withConnection() says what fails, of the connection and of the talk", async () => {
  const options = { ms: 1000, clock: new ManualClock() };
  const nowhere = { kind: "unix", path: "/nonexistent/socket" } as const;
  await assertRejects(() => withConnection(nowhere, () => Promise.resolve(), options));
  using listener = Deno.listen(LOCAL);
  const server = listener.accept();
  const talk = () => Promise.reject(new Error("not our protocol"));
  await assertRejects(() => withConnection(addressOf(listener), talk, options), Error, "not our");
  (await server).close();
});

Deno.test("writeAll() and writeAllSync() go on after a short write", async () => {
  const written: number[] = [];
  const takeThree = (bytes: Uint8Array) => {
    const taken = bytes.subarray(0, 3);
    written.push(...taken);
    return taken.length;
  };
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
  await writeAll({ write: (rest) => Promise.resolve(takeThree(rest)) }, bytes);
  writeAllSync({ writeSync: takeThree }, bytes);
  assertEquals(written, [...bytes, ...bytes]);
});

Deno.test("tryClose() closes what is open and passes over what is closed", () => {
  const listener = Deno.listen(LOCAL);
  tryClose(listener);
  tryClose(listener);
});
