import { assertEquals } from "@std/assert";
import { Figures } from "./figures.ts";
import { formatJudgements, formatTable } from "./tables.ts";

Deno.test("formatTable() has a row for each server, its rates in relation to others", () => {
  const figures = new Figures();
  for (const rate of [900, 1000, 1100]) {
    figures.add({ scenario: "ten", server: "source" }, { rate, p50: 7 });
    figures.add({ scenario: "ten", server: "echo" }, { rate: 2 * rate });
  }
  const table = formatTable(figures, {
    title: "Answers",
    scenarios: [{ name: "ten", label: "10" }, { name: "none", label: "not measured" }],
    metrics: ["rate", "p50"],
    against: ["echo", "not there"],
  });
  assertEquals(
    table,
    `### Answers

|    | server | answers/s | spread | p50 µs | × echo |
| -- | ------ | --------- | ------ | ------ | ------ |
| 10 | source | 1,000     | 20 %   | 7      | 0.50   |
| 10 | echo   | 2,000     | 20 %   |        | 1.00   |
`,
  );
});

Deno.test("formatTable() is empty when nothing was measured", () => {
  const scenarios = [{ name: "none", label: "none" }];
  const spec = { title: "Nothing", scenarios, metrics: ["rss"] } as const;
  assertEquals(formatTable(new Figures(), spec), "");
});

Deno.test("formatJudgements() says where a floor does not hold", () => {
  const judgement = { work: "idle", form: "compiled", floor: "≤ 60", digits: 0 };
  assertEquals(
    formatJudgements([
      { ...judgement, figure: 59.6, holds: true },
      { ...judgement, figure: 70.2, holds: false },
    ]),
    `| work | program  | floor | measured | holds  |
| ---- | -------- | ----- | -------- | ------ |
| idle | compiled | ≤ 60  | 60       | yes    |
| idle | compiled | ≤ 60  | 70       | **no** |`,
  );
});
