/** Rules of RFC 8461 §3.3 and §7 about the policy host that hold for several fetches, or below HTTP. */

import { assertEquals, assertMatch } from "@std/assert";
import { createTestFetcher, describe } from "../https/harness.ts";
import { respond, startPolicyHosts, writeAll } from "../fakes/policy_host.ts";

/** Record types, and the alert `protocol_version` (RFC 8446 §5.1, §6). */
const ALERT = 21;
const HANDSHAKE = 22;
const PROTOCOL_VERSION = 70;

/** The extension `supported_versions` with TLS 1.3 and TLS 1.2 and no other (RFC 8446 §4.2.1). */
const SUPPORTED_VERSIONS = "002b" + "0005" + "04" + "0304" + "0303";

/** A ServerHello that chooses TLS 1.`minor` and a cipher suite of that time, without more (RFC 5246 §7.4.1.3). */
function serverHello(minor: number): Uint8Array {
  const version = [3, minor + 1];
  const random = crypto.getRandomValues(new Uint8Array(32));
  // No session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
  const body = [...version, ...random, 0, 0xc0, 0x13, 0];
  const message = [2, 0, 0, body.length, ...body];
  return Uint8Array.from([HANDSHAKE, ...version, 0, message.length, ...message]);
}

Deno.test("a policy host is spoken to in TLS 1.2 or 1.3, in nothing older (RFC 8461 §7.2)", async () => {
  await using hosts = startPolicyHosts();
  const fetchPolicy = createTestFetcher({ hosts });
  for (const minor of [0, 1]) {
    let hello = "";
    const reply = Promise.withResolvers<number[]>();
    hosts.add("x.test", {
      raw: async (conn) => {
        const buffer = new Uint8Array(16_384);
        hello = buffer.subarray(0, await conn.read(buffer) ?? 0).toHex();
        await writeAll(conn, serverHello(minor));
        const size = await conn.read(buffer) ?? 0;
        reply.resolve([...buffer.subarray(0, size)]);
      },
    });
    assertMatch(describe(await fetchPolicy("x.test")), /^tls: /, `TLS 1.${minor}`);
    const [type, , , , , , description] = await reply.promise;
    assertEquals([type, description], [ALERT, PROTOCOL_VERSION]);
    assertEquals(hello.split(SUPPORTED_VERSIONS).length, 2, hello);
  }
});

Deno.test("every fetch asks the policy host anew, whatever HTTP would let be cached (RFC 8461 §3.3, §8.2)", async () => {
  await using hosts = startPolicyHosts();
  const fetchPolicy = createTestFetcher({ hosts });
  const headers = [
    "content-type: text/plain",
    "cache-control: public, max-age=31536000, immutable",
    'etag: "1"',
    "last-modified: Thu, 01 Jan 2026 00:00:00 GMT",
    "expires: Fri, 01 Jan 2100 00:00:00 GMT",
  ];
  for (const body of ["old", "new policy"]) {
    hosts.add("x.test", { answer: respond(body, { headers }) });
    assertEquals(describe(await fetchPolicy("x.test")), `fetched ${body.length}`);
  }
  const [first, second, ...more] = hosts.requests;
  assertEquals(more, []);
  // The same request: no If-None-Match, no If-Modified-Since.
  assertEquals(second, first);
});
