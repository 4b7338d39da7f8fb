import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { ListenAddress } from "../../src/config/types.ts";
import { querySocketmap } from "../../src/postfix/client.ts";
import { formatEndpoint } from "../../src/base/address.ts";
import { encodeNetstring } from "../../src/postfix/netstring.ts";
import { freePort } from "../fakes/free_port.ts";
import { echo, startServer } from "./support.ts";

/** Time that is never used up. */
const AMPLE = { timeout: 20_000 };

/** A server that sends this, whatever it is asked, and closes. */
function startRawServer(
  octets: string,
): AsyncDisposable & { address: ListenAddress } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    const conn = await listener.accept();
    await conn.read(new Uint8Array(1000));
    await conn.write(Uint8Array.from(octets, (char) => char.charCodeAt(0)));
    conn.close();
  })();
  return {
    address: { kind: "inet", hostname: "127.0.0.1", port: listener.addr.port },
    async [Symbol.asyncDispose]() {
      await serving;
      listener.close();
    },
  };
}

Deno.test("querySocketmap() asks in order, over TCP and unix sockets", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mta-sts-" });
  await using server = await startServer(echo);
  const unix = { kind: "unix", path: `${directory}/socket`, mode: 0o600 } as const;
  await server.server.listen(unix);
  for (const address of [server.address, unix]) {
    assertEquals(
      await querySocketmap(address, "postfix", ["a.example", "b\u00fccher.example", ""], AMPLE),
      ["OK postfix a.example", "OK postfix b\u00fccher.example", "OK postfix "],
    );
    assertEquals(await querySocketmap(address, "postfix", [], AMPLE), []);
  }
  await server.server.drain(0);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("querySocketmap() reads the longest reply", async () => {
  const long = "\u00fc".repeat(50_000);
  await using server = await startServer(() => encodeNetstring(long));
  assertEquals(await querySocketmap(server.address, "p", ["a", "b"], AMPLE), [long, long]);
});

Deno.test("querySocketmap() says in one line why it has no reply", async () => {
  const faults: [octets: string, detail: string][] = [
    ["", "connection closed without a reply"],
    ["5:OK", "connection closed without a reply"],
    ["HTTP/1.1 400\r\n", "Malformed length at offset 0"],
    ["100001:", "Length above the limit at offset 5"],
  ];
  for (const [octets, detail] of faults) {
    await using raw = startRawServer(octets);
    const error = await assertRejects(() => querySocketmap(raw.address, "p", ["a"], AMPLE), Error);
    assertEquals(error.message, `Cannot query ${formatEndpoint(raw.address)}: ${detail}`);
  }
});

Deno.test("querySocketmap() says so when nobody listens", async () => {
  const address = { kind: "inet", hostname: "127.0.0.1", port: freePort() } as const;
  const error = await assertRejects(() => querySocketmap(address, "p", ["a"], AMPLE), Error);
  assertMatch(error.message, /^Cannot query inet:127\.0\.0\.1:[0-9]+: Connection refused/);
  const unix = { kind: "unix", path: "/nonexistent/socket" } as const;
  await assertRejects(
    () => querySocketmap(unix, "p", ["a"], AMPLE),
    Error,
    "Cannot query unix:/nonexistent/socket: ",
  );
});

Deno.test("querySocketmap() gives up on a server that does not answer", async () => {
  await using server = await startServer(() => new Promise(() => {}));
  const error = await assertRejects(
    () => querySocketmap(server.address, "p", ["a"], { timeout: 1 }),
    Error,
  );
  assertEquals(
    error.message,
    `Cannot query ${formatEndpoint(server.address)}: no reply within 1 ms`,
  );
});
