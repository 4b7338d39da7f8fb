import { assert, assertEquals } from "@std/assert";
import { areChars, decodeUtf8, encodeUtf8, hashOctets, toChars } from "../../src/postfix/octets.ts";
import { createRandom } from "../fakes/random.ts";
import { received } from "./support.ts";

Deno.test("decodeUtf8() reads the octets alone, as UTF-8", () => {
  assertEquals(decodeUtf8(received("")), "");
  assertEquals(decodeUtf8(received("b\xc3\xbccher")), "bücher");
  assertEquals(decodeUtf8(received("\xef\xbb\xbfa")), "\ufeffa");
  assertEquals(decodeUtf8(received("\x80")), "\ufffd");
  assertEquals(decodeUtf8(encodeUtf8("bücher")), "bücher");
});

Deno.test("toChars() gives one char per octet, and areChars() knows no other text", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
  for (const text of ["", "a", "\0\xff\x80", "example.com", all]) {
    assertEquals(toChars(received(text)), text);
    assert(areChars(received(text), text));
    assert(!areChars(received(text), text + "x"));
    assert(!areChars(received(text + "x"), text));
    if (text !== "") assert(!areChars(received(text), "\u0100" + text.slice(1)));
  }
  assert(!areChars(received("\xc3\xbc"), "ü"));
});

Deno.test("hashOctets() depends on the octets alone, and on each of them", () => {
  const random = createRandom(1);
  const seen = new Map<number, string>();
  for (let round = 0; round < 20_000; round++) {
    const text = `postfix ${random.string(1 + random.int(12), "abcdefghij.-")}`;
    const hash = hashOctets(received(text));
    assertEquals(hash, hashOctets(encodeUtf8(text)));
    assertEquals(seen.get(hash) ?? text, text);
    seen.set(hash, text);
  }
  // FNV-1a as published: the hash of nothing, and of one octet.
  assertEquals(hashOctets(received("")) >>> 0, 0x811c9dc5);
  assertEquals(hashOctets(received("a")) >>> 0, 0xe40c292c);
});
