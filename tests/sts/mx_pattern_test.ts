import { assert, assertEquals } from "@std/assert";
import { matchesMx, matchingHosts, parseMxPattern, patternsFor } from "../../src/sts/mx_pattern.ts";
import { createRandom } from "../fakes/random.ts";
import { assertQuick } from "./timing.ts";
import vectors from "../vectors/mx_matching.json" with { type: "json" };

Deno.test("matchesMx() agrees with the vectors (RFC 8461 §4.1)", () => {
  for (const { id, pattern, host, matches } of vectors) {
    assertEquals(matchesMx(pattern, host), matches, id);
  }
});

Deno.test("parseMxPattern() takes a host name, or *. and one (RFC 8461 §3.2)", () => {
  const table: [string, string | undefined][] = [
    ["mail.example.com", "mail.example.com"],
    ["MAIL.Example.COM", "mail.example.com"],
    ["mail.example.com.", "mail.example.com"],
    ["*.Example.com.", "*.example.com"],
    ["*.com", "*.com"],
    ["localhost", "localhost"],
    ["xn--mx-lka.example", "xn--mx-lka.example"],
    ["", undefined],
    [".", undefined],
    ["*", undefined],
    ["*.", undefined],
    ["*..", undefined],
    ["**.example.com", undefined],
    ["*.*.example.com", undefined],
    ["m*.example.com", undefined],
    ["mail.*.com", undefined],
    [".example.com", undefined],
    ["mail.example.com..", undefined],
    ["mail..example.com", undefined],
    ["mail.example-", undefined],
    ["mx_1.example.com", undefined],
    ["büro.example.com", undefined],
    ["\u212aelvin.example.com", undefined],
    ["192.0.2.1", undefined],
    ["*.192.0.2.1", undefined],
    ["[192.0.2.1]", undefined],
    ["2001:db8::1", undefined],
    ["0x7f.0x1", undefined],
    ["mail.example.com:25", undefined],
    ["mail.example.com ciphers=low", undefined],
    ["mail.example.com\t", undefined],
    ["mail.example.com\n", undefined],
    ["mail.example.com\0", undefined],
    ["mail.example.com,", undefined],
    [`${"a".repeat(64)}.example.com`, undefined],
    ["a.".repeat(126) + "bc", undefined],
  ];
  for (const [text, expected] of table) assertEquals(parseMxPattern(text), expected, text);
});

Deno.test("matchesMx() gives * exactly one label and folds case (RFC 8461 §4.1)", () => {
  const table: [string, string, boolean][] = [
    ["*.example.com", "MAIL.example.com.", true],
    ["*.example.com.", "mail.example.com", true],
    ["*.example.com", "example.com", false],
    ["*.example.com", ".example.com", false],
    ["*.example.com", "*.example.com", false],
    ["*.example.com", "a.b.example.com", false],
    ["*.example.com", "mailexample.com", false],
    ["*.example.com", "mx_1.example.com", false],
    ["*.example.com", "mail .example.com", false],
    ["*.example.com", "mail:x.example.com", false],
    ["example.com", "example.com", true],
    ["example.com", "mail.example.com", false],
    ["localhost", "localhost", true],
    ["*.localhost", "localhost", false],
    ["k.example", "\u212a.example", false],
    ["\u212a.example", "k.example", false],
    ["a.b..", "a.b", false],
    ["a.b", "a.b..", false],
    ["", "", false],
    [".", ".", false],
    ["*.", "a.", false],
    ["192.0.2.1", "192.0.2.1", false],
    ["*.0.2.1", "192.0.2.1", false],
  ];
  for (const [pattern, host, expected] of table) {
    assertEquals(matchesMx(pattern, host), expected, `${pattern} ${host}`);
  }
});

Deno.test("matchingHosts() picks the hosts that matchesMx() lets pass, in their order (RFC 8461 §4.1)", () => {
  const random = createRandom(84);
  const words = ["a", "b", "mx_1"];
  const name = () => Array.from({ length: 1 + random.int(3) }, () => random.pick(words)).join(".");
  let found = 0;
  for (let round = 0; round < 2000; round++) {
    const patterns = Array.from(
      { length: 1 + random.int(5) },
      () => parseMxPattern(random.pick(["", "*."]) + name()) ?? "a.b",
    );
    const hosts = Array.from({ length: random.int(6) }, name);
    const expected = hosts.filter((host) => patterns.some((one) => matchesMx(one, host)));
    assertEquals(matchingHosts(patterns, hosts), expected);
    found += expected.length;
  }
  assert(found > 500);
});

Deno.test("matchingHosts() is quick with the most hosts kept and the most patterns 64 KiB hold", () => {
  const hosts = Array.from({ length: 100 }, (_, number) => `h${number}.example.com`);
  const patterns = Array.from({ length: 9000 }, (_, number) => `m${number}.b`);
  assertQuick(() => matchingHosts(patterns, hosts), "100 hosts, 9000 patterns");
});

Deno.test("parseMxPattern() prints what it parses again, and a match is safe to print", () => {
  const random = createRandom(41);
  let matches = 0;
  for (let round = 0; round < 4000; round++) {
    const text = random.mutate(random.pick(["*.example.com", "mx.example.com", "*.b", "a.b."]));
    const pattern = parseMxPattern(text);
    const host = random.pick(["mx.example.com", random.mutate("mx.example.com", "mx.*\u212a_ ")]);
    if (matchesMx(text, host)) {
      matches++;
      assert(pattern !== undefined && /^[A-Za-z0-9.-]+$/.test(host), JSON.stringify([text, host]));
    }
    if (pattern === undefined) continue;
    assert(/^(?:\*\.)?[a-z0-9.-]+$/.test(pattern), JSON.stringify(text));
    assertEquals(parseMxPattern(pattern), pattern);
    assert(matchesMx(pattern, pattern.replace("*", "x")), pattern);
  }
  assert(matches > 10);
});

Deno.test("patternsFor() gives the patterns that matchesMx() lets pass, and no others", () => {
  const hosts = [
    "a.b.example",
    "A.b.Example.",
    "b.example",
    "example",
    "x..y",
    "",
    "1.2.3.4",
    "\u212a.example",
  ];
  const patterns = [
    "a.b.example",
    "*.b.example",
    "*.example",
    "b.example",
    "example",
    "*.y",
    "k.example",
    "*.3.4",
  ];
  for (const host of hosts) {
    const matching = patterns.filter((pattern) => matchesMx(pattern, host));
    assertEquals(patterns.filter((pattern) => patternsFor(host).includes(pattern)), matching, host);
  }
});
