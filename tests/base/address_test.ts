import { assert, assertEquals } from "@std/assert";
import {
  formatEndpoint,
  isSocketPath,
  parseEndpoint,
  parseNameServer,
} from "../../src/base/address.ts";

Deno.test("parseEndpoint() reads what formatEndpoint() writes", () => {
  for (
    const text of [
      "inet:127.0.0.1:8461",
      "inet:[::1]:8461",
      "inet:[::]:0",
      "inet:[::ffff:192.0.2.1]:65535",
      "inet:localhost:25",
      "inet:mail-1.example.org:1",
      "unix:/run/x.sock",
      "unix:/run/with space:and:colons",
    ]
  ) {
    const endpoint = parseEndpoint(text);
    assert(endpoint !== undefined, text);
    assertEquals(formatEndpoint(endpoint), text);
    if (text.startsWith("inet:")) assertEquals(parseEndpoint(text.slice(5)), endpoint);
  }
});

Deno.test("formatEndpoint() writes addresses as the configuration does", () => {
  assertEquals(
    formatEndpoint({ kind: "inet", hostname: "127.0.0.1", port: 8461 }),
    "inet:127.0.0.1:8461",
  );
  assertEquals(formatEndpoint({ kind: "inet", hostname: "::1", port: 1 }), "inet:[::1]:1");
  assertEquals(formatEndpoint({ kind: "unix", path: "/run/x" }), "unix:/run/x");
});

Deno.test("parseEndpoint() refuses everything else", () => {
  for (
    const text of [
      "",
      "inet:",
      "8461",
      ":8461",
      "inet::8461",
      "inet:127.0.0.1",
      "inet:127.0.0.1:",
      "inet:127.0.0.1:65536",
      "inet:127.0.0.1:+1",
      "inet:127.0.0.1:0x1",
      "inet:127.0.0.1: 1",
      "inet:127.0.0.1:8461 ",
      "inet:127.0.0.256:1",
      "inet:127.1:1",
      "inet:127.0.0.01:1",
      "inet:1.2.3.4.5:1",
      "inet:::1:8461",
      "inet:[::1:8461",
      "inet:[]:1",
      "inet:[1::2::3]:1",
      "inet:[fe80::1%eth0]:1",
      "inet:[127.0.0.1]:1",
      "inet:[::1]/x[::1]:1",
      "inet:-x:1",
      "inet:a..b:1",
      "inet:a b:1",
      "inet:*:1",
      "inet:a.:1",
      `inet:${"a".repeat(64)}:1`,
      "tcp:127.0.0.1:1",
      "unix:",
      "unix:x.sock",
      "unix:/x\0y",
      "unix:/x\n",
      "/run/x.sock",
    ]
  ) {
    assertEquals(parseEndpoint(text), undefined, text);
  }
});

Deno.test("isSocketPath() takes 103 bytes, not characters", () => {
  assert(isSocketPath("/" + "x".repeat(102)));
  assert(!isSocketPath("/" + "x".repeat(103)));
  assert(!isSocketPath("/" + "é".repeat(54)));
});

Deno.test("parseNameServer() adds port 53 to a literal address", () => {
  const cases: [string, string | undefined][] = [
    ["127.0.0.1", "127.0.0.1:53"],
    ["127.0.0.1:5353", "127.0.0.1:5353"],
    ["::1", "[::1]:53"],
    ["[::1]", "[::1]:53"],
    ["[2001:db8::1]:5353", "[2001:db8::1]:5353"],
    ["localhost", undefined],
    ["localhost:53", undefined],
    ["127.0.0.1:0", undefined],
    ["127.0.0.1:99999", undefined],
    ["inet:127.0.0.1:53", undefined],
    ["unix:/run/dns.sock", undefined],
    ["", undefined],
  ];
  for (const [text, address] of cases) assertEquals(parseNameServer(text), address, text);
});
