import { assertEquals } from "@std/assert";
import { closest } from "../../src/config/suggest.ts";

const WORDS = ["recheck", "refresh", "negative_ttl", "memory_entries", "log", "dns", "tls"];

Deno.test("closest() finds the word that was meant", () => {
  const cases: [string, string | undefined][] = [
    ["rechek", "recheck"],
    ["rechekc", "recheck"],
    ["refreh", "refresh"],
    ["negative-ttl", "negative_ttl"],
    ["negativeTtl", "negative_ttl"],
    ["memory_entires", "memory_entries"],
    ["logs", "log"],
    ["dms", "dns"],
    ["xyzzy", undefined],
    ["", undefined],
    ["a", undefined],
  ];
  for (const [word, meant] of cases) assertEquals(closest(word, WORDS), meant, word);
});

Deno.test("closest() finds nothing among no words", () => {
  assertEquals(closest("recheck", []), undefined);
});

Deno.test("closest() takes two neighbours that are swapped for one slip", () => {
  assertEquals(closest("cahce", ["cache", "check"]), "cache");
  assertEquals(closest("zoen", ["json", "zone"]), "zone");
  assertEquals(closest("ehalth", ["health"]), "health");
});
