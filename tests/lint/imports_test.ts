import { assertEquals } from "@std/assert";
import {
  arrowsBack,
  arrowsBetween,
  drawImports,
  findCircles,
  readSourceFiles,
} from "../../tools/imports.ts";

Deno.test("no import of src leads back up, and no files import each other in a circle", () => {
  const files = readSourceFiles();
  assertEquals(arrowsBack(arrowsBetween(files)), []);
  assertEquals(findCircles(files), []);
});

Deno.test("an arrow back and a circle are found, types included", () => {
  const files = [
    { path: "src/sts/a.ts", imports: ["src/sts/b.ts", "src/dns/a.ts"] },
    { path: "src/sts/b.ts", imports: ["src/sts/c.ts"] },
    { path: "src/sts/c.ts", imports: ["src/sts/a.ts"] },
    { path: "src/dns/a.ts", imports: ["src/base/a.ts"] },
    { path: "src/base/a.ts", imports: [] },
  ];
  assertEquals(arrowsBack(arrowsBetween(files)), [{ from: "sts", to: "dns", count: 1 }]);
  assertEquals(findCircles(files), [["src/sts/a.ts", "src/sts/b.ts", "src/sts/c.ts"]]);
});

Deno.test("docs/imports.svg shows the imports as they are", () => {
  const drawn = drawImports(arrowsBetween(readSourceFiles()));
  const path = new URL("../../docs/imports.svg", import.meta.url);
  assertEquals(Deno.readTextFileSync(path), drawn, "run deno task imports");
});
