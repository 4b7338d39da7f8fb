import { assertEquals } from "@std/assert";
import { median, medianRatio, spread } from "./stats.ts";

Deno.test("median() is the middle, in whatever order the numbers come", () => {
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([10, 2, 4, 8]), 6);
  assertEquals(median([]), NaN);
});

Deno.test("spread() is a share of the median", () => {
  assertEquals(spread([75, 100, 125]), 0.5);
});

Deno.test("medianRatio() compares within each round", () => {
  // The second round met a busy machine; a ratio of medians would say 0.5.
  assertEquals(medianRatio([80, 40, 82], [100, 50, 100]), 0.8);
});
