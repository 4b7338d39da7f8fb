import { assertEquals, assertThrows } from "@std/assert";
import { Figures } from "./figures.ts";
import { compare } from "./quick.ts";

function figures(rates: readonly number[]): { figures: Figures } {
  const figures = new Figures();
  for (const rate of rates) {
    figures.add({ scenario: "10 connections", server: "source" }, { rate });
    figures.add({ scenario: "10 connections", server: "Deno echo" }, { rate: 100 });
  }
  return { figures };
}

Deno.test("compare() fails what has lost more than a quarter of the recorded ratio in its best round", () => {
  const floors = { "10 connections": 0.8 };
  const holds = (...rates: number[]) => compare(figures(rates), floors).map(({ holds }) => holds);
  assertEquals(holds(10, 62, 30), [true]);
  assertEquals(holds(10, 58, 30), [false]);
});

Deno.test("compare() wants each recorded scenario measured", () => {
  assertThrows(() => compare(figures([1]), { "100 connections": 1 }), Error, "Not measured");
});
