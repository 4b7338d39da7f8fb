import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { readName, RECORD_READERS } from "../../src/dns/records.ts";

Deno.test("readName() folds the case and takes one final dot off", () => {
  assertEquals(readName("Mx1.EXAMPLE.com."), "mx1.example.com");
  assertEquals(readName("_25._tcp.mx-1.example"), "_25._tcp.mx-1.example");
  assertEquals(readName("."), "");
  assertEquals(readName(""), "");
});

Deno.test("readName() holds to the lengths of RFC 1035 §2.3.4", () => {
  const label = "a".repeat(63);
  const longest = [label, label, label, "b".repeat(61)].join(".");
  assertEquals(longest.length, 253);
  assertEquals(readName(longest), longest);
  assertEquals(readName(`${longest}.`), longest);
  assertEquals(readName(`${longest}b`), undefined);
  assertEquals(readName(`${label}a.example`), undefined);
});

Deno.test("readName() refuses any other character, before folding can make a letter of it", () => {
  const kelvin = "\u212a";
  assertEquals(kelvin.toLowerCase(), "k");
  const names = [
    "a b",
    "a..b",
    ".a",
    "a\n",
    "a\0",
    "*.example",
    "caf\xe9",
    "a,b",
    "a/b",
    "..",
    "a..",
  ];
  for (const name of [...names, `${kelvin}.example`, "\ufffd.example", "a\\.b", "a:b", "a\u00a0"]) {
    assertEquals(readName(name), undefined, JSON.stringify(name));
  }
});

Deno.test("RECORD_READERS.MX keeps the null MX apart and refuses names that are none (RFC 7505)", () => {
  const read = RECORD_READERS.MX;
  assertEquals(read({ preference: 10, exchange: "MX.example" }), {
    preference: 10,
    exchange: "mx.example",
  });
  assertEquals(read({ preference: 0, exchange: "." }), { preference: 0, exchange: "" });
  assertEquals(read({ preference: 0, exchange: "mx example" }), undefined);
});

Deno.test("RECORD_READERS.TXT joins the strings without a space, one character per octet (RFC 8461 §3.1)", () => {
  const read = RECORD_READERS.TXT;
  assertEquals(read([Buffer.from("v=STSv1; i"), Buffer.from("d=1;")]), "v=STSv1; id=1;");
  assertEquals(read([Buffer.from([0xe9, 0xff, 0, 0xc3])]), "\xe9\xff\0\xc3");
  assertEquals(read([]), "");
});

Deno.test("RECORD_READERS.TLSA copies the data out of the message", () => {
  const certificate = Buffer.from([1, 2, 3]);
  const record = RECORD_READERS.TLSA({ usage: 3, selector: 1, matchingType: 1, certificate });
  assertEquals(record, { usage: 3, selector: 1, matchingType: 1, data: new Uint8Array([1, 2, 3]) });
  certificate.fill(0);
  assertEquals(record?.data[0], 1);
});

Deno.test("RECORD_READERS.A and AAAA refuse what is no address", () => {
  assertEquals(RECORD_READERS.A("192.0.2.1"), "192.0.2.1");
  assertEquals(RECORD_READERS.A("192.0.2.undefined"), undefined);
  assertEquals(RECORD_READERS.AAAA("2001:db8::1"), "2001:db8::1");
  assertEquals(RECORD_READERS.AAAA("2001:db8::NaN"), undefined);
});
