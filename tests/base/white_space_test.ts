import { assertEquals } from "@std/assert";
import { trimWspEnd, trimWspStart } from "../../src/base/white_space.ts";

Deno.test("trimWspStart() and trimWspEnd() take off spaces and tabs only (RFC 5234 appendix B.1)", () => {
  assertEquals(trimWspStart(" \t a \t"), "a \t");
  assertEquals(trimWspEnd(" \t a \t"), " \t a");
  for (const text of ["", " ", "\t \t"]) {
    assertEquals([trimWspStart(text), trimWspEnd(text)], ["", ""]);
  }
  for (const space of ["\r", "\n", "\v", "\f", "\u00a0", "\u2028", "\u3000", "\ufeff"]) {
    assertEquals(trimWspStart(`${space}a`), `${space}a`);
    assertEquals(trimWspEnd(`a${space}`), `a${space}`);
  }
});
