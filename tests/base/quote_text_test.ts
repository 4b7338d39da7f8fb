import { assertEquals } from "@std/assert";
import { quoteText } from "../../src/base/quote_text.ts";

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
