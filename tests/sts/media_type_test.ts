import { assertEquals } from "@std/assert";
import { isTextPlain, mediaTypes } from "../../src/sts/media_type.ts";
import { assertQuick } from "./timing.ts";
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
    ["text/plain; charset=utf-8, text/html", false],
    ["text/html; note=text/plain", false],
    [";text/plain", false],
    ['"text/plain"', false],
    ["text/plain/x", false],
    ["text/*", false],
  ];
  for (const [value, expected] of table) assertEquals(isTextPlain(value), expected, value);
});

Deno.test("isTextPlain() accepts a list in which each member is text/plain (RFC 9110 §5.3)", () => {
  const table: [string, boolean][] = [
    ["text/plain, text/plain", true],
    ["text/plain; charset=utf-8, TEXT/PLAIN", true],
    ['text/plain; note="a, b",text/plain;charset="utf-8"', true],
    ["text/plain, text/plain, text/plain", true],
    ["text/plain, text/html", false],
    ["text/html, text/plain", false],
    ["text/plain, application/octet-stream, text/plain", false],
    ["text/plain,", false],
    [", text/plain", false],
    ['text/plain; note="text/html, text/plain, text/html', true],
    ['text/plain; note=", text/plain", text/html', false],
  ];
  for (const [value, expected] of table) assertEquals(isTextPlain(value), expected, value);
});

Deno.test("mediaTypes() names each member of a list", () => {
  assertEquals(mediaTypes('Text/Plain; x="a,b" , text/html'), ["text/plain", "text/html"]);
  assertEquals(mediaTypes(""), [""]);
});

Deno.test("mediaTypes() takes time in proportion to the length of the value", () => {
  for (const part of ['"\\\\', ",", ";", '"', "\\", '"a",', "text/plain,"]) {
    const value = part.repeat(65_536 / part.length);
    assertQuick(() => mediaTypes(value), part);
  }
});
