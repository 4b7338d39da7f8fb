import { assertEquals } from "@std/assert";
import { cutText, escapeMatches, quoteRemote, quoteText } from "../../src/base/quote_text.ts";

Deno.test("quoteText() leaves nothing but printable ASCII, in quotes", () => {
  for (
    const [text, expected] of [
      ["", '""'],
      ["text/html; charset=utf-8", '"text/html; charset=utf-8"'],
      ['say "a\\b"', '"say \\"a\\\\b\\""'],
      ["a\r\nb\tc\0", '"a\\r\\nb\\tc\\u0000"'],
      ["\x1b[31m\x7f\x9b", '"\\u001b[31m\\u007f\\u009b"'],
      // A right-to-left override, a line separator, a Cyrillic letter and a pair of surrogates.
      ["\u202e\u2028\u0430\u{1f600}", '"\\u202e\\u2028\\u0430\\ud83d\\ude00"'],
    ] as const
  ) assertEquals(quoteText(text, 100), expected);
});

Deno.test("quoteText() cuts, and says so", () => {
  assertEquals(quoteText("abcde", 5), '"abcde"');
  assertEquals(quoteText("abcdef", 5), '"abcde"...');
  assertEquals(quoteText("ab\u{1f600}", 3), '"ab\\ud83d"...');
});

Deno.test("quoteRemote() leaves harmless text bare and escapes all that is invisible", () => {
  const cases: [string, string][] = [
    ["example.com", "example.com"],
    ["2001:db8::1/64", "2001:db8::1/64"],
    ["user+tag@a_b-c", "user+tag@a_b-c"],
    ["", '""'],
    ["a b", '"a b"'],
    ["a=b", '"a=b"'],
    ["…", '"…"'],
    ["münchen", '"münchen"'],
    ["😀", '"😀"'],
    ['say "x\\y"', '"say \\"x\\\\y\\""'],
    ["a\r\nb\tc\0", '"a\\r\\nb\\tc\\u0000"'],
    ["\x7f\x9b31m", '"\\u007f\\u009b31m"'],
    ["\u2028\u2029\u202e\u2066\u061c", '"\\u2028\\u2029\\u202e\\u2066\\u061c"'],
    ["\ufeff\u200b\u00a0", '"\\ufeff\\u200b\\u00a0"'],
    ["\ud800x\udc00", '"\\ud800x\\udc00"'],
    ["\u{e0041}", '"\\udb40\\udc41"'],
  ];
  for (const [text, quoted] of cases) assertEquals(quoteRemote(text), quoted);
});

Deno.test("quoteRemote() cuts at the given length and marks the cut", () => {
  assertEquals(quoteRemote("abcdef", 6), "abcdef");
  assertEquals(quoteRemote("abcdefg", 6), '"abcdef…"');
  assertEquals(quoteRemote("abc😀", 4), '"abc\\ud83d…"');
});

Deno.test("cutText() keeps what fits", () => {
  assertEquals(cutText("abc", 3), "abc");
  assertEquals(cutText("abcd", 3), "abc…");
});

Deno.test("escapeMatches() escapes each unit of what matches, and JSON says the same", () => {
  const json = escapeMatches(JSON.stringify({ name: "é\u{1f600}" }), /[^\n -~]+/g);
  assertEquals(json, '{"name":"\\u00e9\\ud83d\\ude00"}');
  assertEquals(JSON.parse(json), { name: "é\u{1f600}" });
});
