import { assertEquals } from "@std/assert";
import { isTextPlain } from "../../src/sts/media_type.ts";
import vectors from "../vectors/media_types.json" with { type: "json" };

Deno.test("isTextPlain() agrees with the vectors (RFC 8461 §3.2)", () => {
  for (const { value, accept } of vectors) assertEquals(isTextPlain(value), accept, value);
});

Deno.test("isTextPlain() tolerates parameters and white space, and nothing else (RFC 8461 §3.2)", () => {
  const table: [string, boolean][] = [
    [" text/plain ", true],
    ["text/plain\t; charset=utf-8", true],
    ['text/plain; charset="utf-8"', true],
    ['text/plain; note="a, b; \\", c"', true],
    ["text/plain; charset", true],
    ["text/plain ; ; =", true],
    ["text /plain", false],
    ["text/ plain", false],
    ["text/plain\u00a0", false],
    ["text/plain\n", false],
    ["text/plain charset=utf-8", false],
    ["text/plain, text/plain", false],
    ["text/plain; charset=utf-8, text/html", false],
    ["text/html; note=text/plain", false],
    [";text/plain", false],
    ['"text/plain"', false],
    ["text/plain/x", false],
    ["text/*", false],
  ];
  for (const [value, expected] of table) assertEquals(isTextPlain(value), expected, value);
});
