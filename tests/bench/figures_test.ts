import { assertEquals } from "@std/assert";
import { Figures } from "./figures.ts";

function figures(): Figures {
  const figures = new Figures();
  for (const [mine, other] of [[80, 100], [40, 50], [82, 100]] as const) {
    figures.add({ scenario: "10", server: "source" }, { rate: mine, cpu: 9 });
    figures.add({ scenario: "10", server: "echo" }, { rate: other });
  }
  figures.add({ scenario: "start", server: "source" }, { start: 70 });
  return figures;
}

Deno.test("Figures gathers the rounds of each figure", () => {
  assertEquals(figures().values({ scenario: "10", server: "source" }, "rate"), [80, 40, 82]);
  assertEquals(figures().median({ scenario: "10", server: "source" }, "rate"), 80);
  assertEquals(figures().servers("10"), ["source", "echo"]);
  assertEquals(figures().all().length, 4);
});

Deno.test("Figures compares servers round by round", () => {
  assertEquals(figures().ratio({ scenario: "10", server: "source" }, "rate", "echo"), 0.8);
});

Deno.test("Figures knows what was not measured", () => {
  const nobody = { scenario: "10", server: "nobody" };
  assertEquals(figures().median(nobody, "rate"), NaN);
  assertEquals(figures().spread(nobody, "rate"), NaN);
  assertEquals(figures().ratio(nobody, "rate", "echo"), NaN);
  assertEquals(figures().ratio({ scenario: "10", server: "source" }, "rate", "nobody"), NaN);
});
