import { assertEquals } from "@std/assert";
import { ehloName, plainAddress, plainText, plainUri } from "../../src/tlsrpt/plain_text.ts";

Deno.test("plainText() keeps printable ASCII and cuts", () => {
  assertEquals(plainText("a b~"), "a b~");
  assertEquals(plainText("a\n\x00\x7f\u00e9\ud83d\ude00"), "a??????");
  assertEquals(plainText("x".repeat(300)).length, 255);
});

Deno.test("ehloName() takes the name of the first line", () => {
  const table: [string, string | undefined][] = [
    ["250-mx.example\r\n250 PIPELINING", "mx.example"],
    ["250 mx.example at your service", "mx.example"],
    ["mx.example", "mx.example"],
    ["250-mx.example??250-PIPELINING", "mx.example"],
    ["250-\r\n", undefined],
    ["", undefined],
  ];
  for (const [reply, name] of table) assertEquals(ehloName(reply), name, reply);
});

Deno.test("plainAddress() and plainUri() take what is one, and nothing else", () => {
  assertEquals(plainAddress("192.0.2.1"), "192.0.2.1");
  assertEquals(plainAddress("2001:db8::1"), "2001:db8::1");
  assertEquals(plainAddress("192.0.2.256"), undefined);
  assertEquals(plainAddress("a".repeat(46)), undefined);
  assertEquals(plainUri("https://example.com/x?y"), "https://example.com/x?y");
  assertEquals(plainUri("http://example.com/a b"), undefined);
  assertEquals(plainUri("ftp://example.com/"), undefined);
});
