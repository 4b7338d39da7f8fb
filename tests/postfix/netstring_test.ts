import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeNetstring, NetstringDecoder, NetstringError } from "../../src/postfix/netstring.ts";
import { createRandom, type Random } from "../fakes/random.ts";
import { chars } from "./support.ts";

const MAX_PAYLOAD = 10_257;

/** What came of a stream: the payloads, and where it broke. */
interface Decoded {
  readonly payloads: string[];
  readonly error?: string;
  readonly empty?: boolean;
}

/** Octets of text with one char per octet. */
function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Decodes a stream that arrives in pieces of the sizes that `size` draws. */
function decode(stream: Uint8Array, size: () => number, maxPayload = MAX_PAYLOAD): Decoded {
  const decoder = new NetstringDecoder(maxPayload);
  const payloads: string[] = [];
  for (let at = 0; at < stream.length;) {
    const space = decoder.space();
    assert(space.length > 0, "no space to read into");
    const piece = stream.subarray(at, at + Math.min(size(), space.length));
    space.set(piece);
    decoder.fill(piece.length);
    at += piece.length;
    try {
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
        payloads.push(chars(next));
      }
    } catch (error) {
      assert(error instanceof NetstringError, `not a NetstringError: ${error}`);
      return { payloads, error: error.message };
    }
  }
  return { payloads, empty: decoder.empty };
}

const whole = (text: string) => decode(octets(text), () => Infinity);

Deno.test("encodeNetstring() frames octets and text as UTF-8", () => {
  assertEquals(encodeNetstring(""), octets("0:,"));
  assertEquals(encodeNetstring("NOTFOUND "), octets("9:NOTFOUND ,"));
  assertEquals(encodeNetstring(new Uint8Array([0, 255])), octets("2:\0\xff,"));
  assertEquals(encodeNetstring("bücher"), octets("7:b\xc3\xbccher,"));
});

Deno.test("NetstringDecoder gives every payload of a stream", () => {
  assertEquals(whole(""), { payloads: [], empty: true });
  assertEquals(whole("0:,"), { payloads: [""], empty: true });
  assertEquals(whole("1:a,0:,3:b c,"), { payloads: ["a", "", "b c"], empty: true });
  assertEquals(whole("4:b\xc3\xbcc,"), { payloads: ["b\xc3\xbcc"], empty: true });
  assertEquals(whole("3:\xef\xbb\xbf,"), { payloads: ["\xef\xbb\xbf"], empty: true });
  assertEquals(whole("5:1:a,b,"), { payloads: ["1:a,b"], empty: true });
});

Deno.test("NetstringDecoder waits for the rest of a frame", () => {
  for (const begun of ["1", "12", "1:", "1:a", "10257", "10257:x"]) {
    assertEquals(whole(begun), { payloads: [], empty: false }, begun);
    assertEquals(whole("0:," + begun), { payloads: [""], empty: false }, begun);
  }
});

Deno.test("NetstringDecoder refuses a broken frame at its first octet, after the frames before it", () => {
  const table: [stream: string, error: string][] = [
    [":", "Malformed length at offset 0"],
    [",", "Malformed length at offset 0"],
    ["a", "Malformed length at offset 0"],
    ["-1:", "Malformed length at offset 0"],
    [" 1:a,", "Malformed length at offset 0"],
    ["1 :a,", "Malformed length at offset 1"],
    ["1\n", "Malformed length at offset 1"],
    ["\xb2:ab,", "Malformed length at offset 0"],
    ["00:,", "Leading zero in length at offset 1"],
    ["01:a,", "Leading zero in length at offset 1"],
    ["10258", "Length above the limit at offset 4"],
    ["99999", "Length above the limit at offset 4"],
    ["100000", "Length above the limit at offset 5"],
    ["1:ab", "Missing comma at offset 3"],
    ["0:a", "Missing comma at offset 2"],
    ["1:a;", "Missing comma at offset 3"],
    ["GET / HTTP/1.1\r\n", "Malformed length at offset 0"],
  ];
  for (const [stream, error] of table) {
    assertEquals(whole(stream), { payloads: [], error }, stream);
    const offset = Number(/[0-9]+$/.exec(error)?.[0]);
    const later = error.replace(/[0-9]+$/, String(offset + 4));
    assertEquals(whole("1:x," + stream), { payloads: ["x"], error: later }, stream);
  }
});

Deno.test("NetstringError carries the offset of the offending octet", () => {
  const decoder = new NetstringDecoder(9);
  decoder.space().set(octets("2:ab,1:cd"));
  decoder.fill(9);
  assertEquals(chars(decoder.next()!), "ab");
  assertEquals(assertThrows(() => decoder.next(), NetstringError, "Missing comma").offset, 8);
});

Deno.test("NetstringDecoder takes payloads up to the limit and no longer ones", () => {
  for (const limit of [0, 1, 9, 10, 99, 10_257, 100_000]) {
    const longest = "x".repeat(limit);
    const all = () => Infinity;
    assertEquals(decode(encodeNetstring(longest), all, limit).payloads, [longest]);
    const longer = decode(encodeNetstring(longest + "x"), all, limit);
    assertEquals(longer.payloads, []);
    assert(longer.error?.startsWith("Length above the limit"), longer.error);
  }
});

Deno.test("NetstringDecoder.space() grows for a long frame only and shrinks after it", () => {
  const decoder = new NetstringDecoder(MAX_PAYLOAD);
  const usual = decoder.space().length;
  const frame = encodeNetstring("x".repeat(MAX_PAYLOAD));
  for (let at = 0; at < frame.length;) {
    const space = decoder.space();
    const piece = frame.subarray(at, at + space.length);
    space.set(piece);
    decoder.fill(piece.length);
    at += piece.length;
    if (at < frame.length) assertEquals(decoder.next(), undefined);
  }
  assertEquals(chars(decoder.next()!).length, MAX_PAYLOAD);
  assertEquals(decoder.space().length, usual);
});

/** Payloads of all sorts: empty, short, binary, text, UTF-8, now and then longer than a buffer. */
function drawPayload(random: Random): Uint8Array {
  switch (random.int(5)) {
    case 0:
      return random.bytes(random.int(3));
    case 1:
      return random.bytes(random.int(200));
    case 2:
      return new TextEncoder().encode(random.string(random.int(60)));
    case 3:
      return octets("x".repeat(random.int(random.int(8) === 0 ? MAX_PAYLOAD : 40)));
    default:
      return octets(random.string(random.int(60), "postfix example.com0123456789:,"));
  }
}

Deno.test("NetstringDecoder decodes any chunking of any sequence to the same payloads", () => {
  const random = createRandom(8461);
  for (let round = 0; round < 300; round++) {
    const payloads = Array.from({ length: random.int(20) }, () => drawPayload(random));
    const stream = octets(payloads.map((payload) => latin1(encodeNetstring(payload))).join(""));
    const expected = { payloads: payloads.map(latin1), empty: true };
    assertEquals(decode(stream, () => Infinity), expected);
    const most = random.pick([1, 7, 100, 5000]);
    assertEquals(decode(stream, () => 1 + random.int(most)), expected, `round ${round}`);
  }
});

Deno.test("NetstringDecoder throws nothing but NetstringError, at the same octet in any chunking", () => {
  const random = createRandom(3);
  for (let round = 0; round < 2000; round++) {
    const valid = latin1(encodeNetstring(drawPayload(random)));
    const stream = octets(
      random.pick([
        () => latin1(random.bytes(random.int(40))),
        () => random.string(random.int(40), "0123456789:,a"),
        () => valid + random.mutate(valid, "019:,a\xff").slice(0, 200),
      ])(),
    );
    const at = decode(stream, () => Infinity);
    assertEquals(decode(stream, () => 1 + random.int(4)), at, `round ${round}`);
  }
});

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
