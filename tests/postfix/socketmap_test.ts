import { assert, assertEquals } from "@std/assert";
import {
  formatOk,
  formatTemp,
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  parseRequest,
} from "../../src/postfix/socketmap.ts";
import { createRandom } from "../fakes/random.ts";
import { received } from "./support.ts";

const parse = (payload: string) => parseRequest(received(payload));

Deno.test("parseRequest() splits at the first space only", () => {
  const table: [payload: string, mapName: string, key: string][] = [
    ["postfix example.com", "postfix", "example.com"],
    ["postfix [example.com]:587", "postfix", "[example.com]:587"],
    ["postfix .example.com", "postfix", ".example.com"],
    ["postfix two words", "postfix", "two words"],
    ["postfix  example.com", "postfix", " example.com"],
    ["postfix ", "postfix", ""],
    [" example.com", "", "example.com"],
    ["postfix", "postfix", ""],
    ["", "", ""],
    [" ", "", ""],
    ["postfix a\0b\r\n", "postfix", "a\0b\r\n"],
  ];
  for (const [payload, mapName, key] of table) {
    assertEquals(parse(payload), { mapName, key }, JSON.stringify(payload));
  }
});

Deno.test("parseRequest() decodes UTF-8, with U+FFFD for what is malformed", () => {
  assertEquals(parse("postfix b\xc3\xbccher.example").key, "bücher.example");
  assertEquals(parse("z\xc3\xb6ne a.example").mapName, "zöne");
  assertEquals(parse("postfix \xff.example").key, "\ufffd.example");
  assertEquals(parse("postfix a\xc3").key, "a\ufffd");
  // A cut sequence does not swallow the space.
  assertEquals(parse("post\xc3 a.example"), { mapName: "post\ufffd", key: "a.example" });
  // Overlong and surrogate forms are malformed too.
  assert(parse("p \xc0\xaf").key.startsWith("\ufffd"));
  assert(parse("p \xed\xa0\x80").key.startsWith("\ufffd"));
  assertEquals(parse("p \xef\xbb\xbfa.example").key, "\ufeffa.example");
});

Deno.test("parseRequest() takes any octets", () => {
  const random = createRandom(5);
  for (let round = 0; round < 1000; round++) {
    const payload = Array.from(random.bytes(random.int(60)), (byte) => String.fromCharCode(byte));
    const { mapName, key } = parse(payload.join(""));
    assert(!mapName.includes(" "));
    assert(payload.includes(" ") || key === "");
  }
});

Deno.test("formatOk() makes no reply that Postfix would refuse", () => {
  assertEquals(formatOk("secure match=a.example"), "OK secure match=a.example");
  assertEquals(formatOk(""), undefined);
  for (const control of ["\0", "\t", "\n", "\r", "\x1f", "\x7f", "\x85"]) {
    assertEquals(formatOk(`secure${control}match=a`), undefined);
  }
  const room = MAX_REPLY_BYTES - "OK ".length;
  assertEquals(formatOk("x".repeat(room))?.length, MAX_REPLY_BYTES);
  assertEquals(formatOk("x".repeat(room + 1)), undefined);
  // Octets count, not characters.
  assertEquals(formatOk("ü".repeat(room / 2 + 1)), undefined);
});

Deno.test("formatTemp() prints a reason of at most 200 printable octets", () => {
  assertEquals(formatTemp("DNS timeout"), "TEMP DNS timeout");
  assertEquals(formatTemp("a\nb\0c\x7fé😀"), "TEMP a?b?c????");
  assertEquals(formatTemp("x".repeat(201)), "TEMP " + "x".repeat(200));
});

Deno.test("MAX_REQUEST_BYTES holds the longest key of Postfix 3.12 and a map name", () => {
  assertEquals(MAX_REQUEST_BYTES, 256 + 1 + 10_000);
});
