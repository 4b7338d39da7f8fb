import { assertEquals } from "@std/assert";
import { type Line, readLines } from "../../src/cli/read_lines.ts";

/** The lines of octets that arrive in pieces of that size. */
async function cut(text: string | Uint8Array, size: number): Promise<Line[]> {
  const octets = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += size) pieces.push(octets.slice(at, at + size));
  return await Array.fromAsync(readLines(ReadableStream.from(pieces), 10));
}

Deno.test("readLines() cuts lines wherever the pieces end, and leaves out empty ones", async () => {
  for (const size of [1, 2, 3, 100]) {
    assertEquals(await cut("a\n\r\n\n\u00e9b\r\nlast", size), [
      { number: 1, text: "a" },
      { number: 4, text: "\u00e9b" },
      { number: 5, text: "last" },
    ]);
  }
});

Deno.test("readLines() keeps nothing of a line that is too long, or not UTF-8", async () => {
  for (const size of [1, 4, 100]) {
    assertEquals(await cut(`${"x".repeat(1000)}\n1234567890\n`, size), [
      { number: 1, problem: "it is too long" },
      { number: 2, text: "1234567890" },
    ]);
    assertEquals(await cut(new Uint8Array([0xff, 0x0a, 0x61]), size), [
      { number: 1, problem: "it is not UTF-8" },
      { number: 2, text: "a" },
    ]);
  }
});
