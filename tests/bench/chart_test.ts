import { assertEquals, assertStringIncludes } from "@std/assert";
import { drawBars, drawPanels } from "./chart.ts";

/** All numbers of an attribute. */
function numbers(svg: string, attribute: string): number[] {
  return [...svg.matchAll(new RegExp(`${attribute}="([\\d.]+)"`, "g"))].map(([, value]) =>
    parseFloat(value!)
  );
}

Deno.test("drawBars() draws bars on one scale, the longest over the whole length", () => {
  const svg = drawBars("a & b", [
    { heading: "one", bars: [{ label: "x", value: 1, text: "1 <one>" }] },
    {
      heading: "two",
      bars: [{ label: "x", value: 2, text: "2" }, { label: "y", value: 0, text: "" }],
    },
  ]);
  assertEquals(numbers(svg, "width"), [260, 520, 1]);
  assertStringIncludes(svg, "a &amp; b");
  assertStringIncludes(svg, "1 &lt;one>");
});

Deno.test("drawPanels() draws each value that was measured, the largest not above the scale", () => {
  const svg = drawPanels("growth", [{
    heading: "p99",
    axis: "domains",
    steps: [500, 1000, 1_000_000],
    lines: [{ label: "zipf", values: [10, NaN, 40] }],
  }]);
  assertEquals(numbers(svg, "cx"), [60, 390]);
  // From the foot at 210 up to the top at 56, which is 40.
  assertEquals(numbers(svg, "cy"), [171.5, 56]);
  for (const label of [">500<", ">1 k<", ">1 M<"]) assertStringIncludes(svg, label);
});
