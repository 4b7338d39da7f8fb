import { assertEquals } from "@std/assert";
import { HELLO_MAX_BYTES, readClientHello } from "../../src/http/client_hello.ts";
import { createRandom } from "../fakes/random.ts";

/** The first bytes that the runtime's own TLS client sends. */
async function captureHello(hostname: string): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  using tls = await Deno.startTls(client, { hostname });
  const shaking = tls.handshake().catch(() => {});
  const buffer = new Uint8Array(HELLO_MAX_BYTES);
  const count = await server.read(buffer) ?? 0;
  server.closeWrite();
  await shaking;
  return buffer.slice(0, count);
}

/** The same message in records of so many bytes. */
function splitRecords(bytes: Uint8Array, size: number): Uint8Array {
  const parts: number[] = [];
  for (let at = 5; at < bytes.length; at += size) {
    const content = bytes.subarray(at, at + size);
    parts.push(22, 3, 1, content.length >> 8, content.length & 0xff, ...content);
  }
  return Uint8Array.from(parts);
}

Deno.test("readClientHello() reads the name that a real client asks for (RFC 6066 §3)", async () => {
  const bytes = await captureHello("mta-sts.A.example");
  assertEquals(readClientHello(bytes), { kind: "hello", name: "mta-sts.a.example" });
  assertEquals(readClientHello(await captureHello("127.0.0.1")), {
    kind: "hello",
    name: undefined,
  });
});

Deno.test("readClientHello() waits for all of it, and joins records (RFC 8446 §5.1)", async () => {
  const bytes = await captureHello("mta-sts.a.example");
  for (let end = 0; end < bytes.length; end++) {
    assertEquals(readClientHello(bytes.subarray(0, end)).kind, "incomplete", String(end));
  }
  for (const size of [1, 3, 50]) {
    const split = splitRecords(bytes, size);
    assertEquals(readClientHello(split), { kind: "hello", name: "mta-sts.a.example" });
    assertEquals(readClientHello(split.subarray(0, -1)).kind, "incomplete");
  }
});

Deno.test("readClientHello() refuses what is none", () => {
  const encoder = new TextEncoder();
  for (
    const bytes of [
      encoder.encode("GET / HTTP/1.1\r\n\r\n"),
      Uint8Array.of(22, 3, 1, 0, 4, 2, 0, 0, 0), // a ServerHello
      Uint8Array.of(22, 3, 1, 0, 4, 1, 1, 0, 0), // 64 KiB of ClientHello to come
      Uint8Array.of(22, 3, 1, 0, 4, 1, 0, 0, 0), // an empty one
      Uint8Array.of(21, 3, 1, 0, 2, 2, 40), // an alert
    ]
  ) assertEquals(readClientHello(bytes).kind, "invalid");
});

Deno.test("readClientHello() never throws, whatever is changed", async () => {
  const bytes = await captureHello("mta-sts.a.example");
  const random = createRandom(1);
  const kinds = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const mutated = Uint8Array.from(bytes);
    for (let left = 1 + random.int(4); left > 0; left--) {
      mutated[random.int(mutated.length)] = random.int(256);
    }
    kinds.add(readClientHello(mutated).kind);
  }
  assertEquals(kinds, new Set(["hello", "invalid", "incomplete"]));
});
