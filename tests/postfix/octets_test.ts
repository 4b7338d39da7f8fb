import { assert, assertEquals } from "@std/assert";
import {
  areWords,
  decodeUtf8,
  encodeUtf8,
  foldCase,
  hashOctets,
  toWords,
  utf8Length,
} from "../../src/postfix/octets.ts";
import { createRandom } from "../fakes/random.ts";
import { received } from "./support.ts";

Deno.test("decodeUtf8() reads the octets alone, as UTF-8", () => {
  assertEquals(decodeUtf8(received("")), "");
  assertEquals(decodeUtf8(received("b\xc3\xbccher")), "bücher");
  assertEquals(decodeUtf8(received("\xef\xbb\xbfa")), "\ufeffa");
  assertEquals(decodeUtf8(received("\x80")), "\ufffd");
  assertEquals(decodeUtf8(encodeUtf8("bücher")), "bücher");
});

Deno.test("areWords() knows the octets of toWords(), wherever they lie, and no others", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
  for (let length = 4; length < 24; length++) {
    const text = all.slice(-length);
    const words = toWords(received(text));
    assertEquals(words.length, 1 + Math.ceil(length / 4));
    assert(areWords(received(text), words));
    assert(areWords(encodeUtf8(all.slice(0, length)), toWords(received(all.slice(0, length)))));
    assert(!areWords(received(text + "x"), words));
    assert(!areWords(received(text.slice(1)), words));
    for (let at = 0; at < length; at++) {
      const other = text.slice(0, at) + "\x01" + text.slice(at + 1);
      assert(!areWords(received(other), words), `octet ${at} of ${length}`);
    }
  }
});

Deno.test("areWords() knows nothing that is shorter than a word", () => {
  for (const text of ["", "a", "abc"]) {
    assertEquals(toWords(received(text)).length, 1);
    assert(!areWords(received(text), toWords(received(text))));
  }
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
  assertEquals(hashOctets(received("")), 0);
  assertEquals(hashOctets(received("abc")), 3);
});

Deno.test("foldCase() turns the capitals of ASCII into small letters, from the start on, and nothing else", () => {
  const all = Array.from({ length: 256 }, (_, octet) => octet);
  const request = received(String.fromCharCode(...all, ...all));
  const into = encodeUtf8("\0".repeat(600));
  const folded = foldCase(request, { start: request.from + 256, into });
  assert(folded !== undefined);
  const lower = all.map((octet) => octet >= 65 && octet <= 90 ? octet + 32 : octet);
  assertEquals([...folded.bytes.subarray(folded.from, folded.to)], [...all, ...lower]);
  assertEquals(hashOctets(folded), hashOctets(received(String.fromCharCode(...all, ...lower))));
});

Deno.test("foldCase() gives nothing where there is nothing to fold, or no room", () => {
  const into = encodeUtf8("\0".repeat(8));
  const from = (text: string, start: number) => {
    const request = received(text);
    return foldCase(request, { start: request.from + start, into });
  };
  assertEquals(from("QUERY a", 6), undefined);
  assertEquals(from("QUERY", 5), undefined);
  assertEquals(from("QUERY AAA", 6), undefined, "no room");
  assert(from("QUERY A", 6) !== undefined);
});

Deno.test("utf8Length() is the number of octets that encodeUtf8() makes", () => {
  for (
    const text of [
      "",
      "example.com",
      "b\u00fccher",
      "\u20ac",
      "\ud83d\ude00",
      "a\ud83d",
      "\x7f\x80",
    ]
  ) {
    assertEquals(utf8Length(text), encodeUtf8(text).bytes.length, text);
  }
});
