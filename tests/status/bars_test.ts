import { assertEquals } from "@std/assert";
import { stackBars } from "../../src/status/bars.ts";

Deno.test("stackBars() puts each series on top of those before it, to scale", () => {
  const { box, paths } = stackBars([[100, 0], [50, 50], [0, 0]]);
  assertEquals(box, "0 0 30 100");
  // Each series keeps room for its least height.
  assertEquals(paths, ["M1 6h8v94h-8zM11 53h8v47h-8z", "M11 6h8v47h-8z"]);
});

Deno.test("stackBars() shows one in a million, and nothing where there is nothing", () => {
  assertEquals(stackBars([[1e6, 1]]).paths, ["M1 6h8v94h-8z", "M1 3h8v3h-8z"]);
  assertEquals(stackBars([[0, 0], [0, 0]]), { box: "0 0 20 100", paths: ["", ""] });
  assertEquals(stackBars([]), { box: "0 0 0 100", paths: [] });
});
