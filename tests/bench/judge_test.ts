import { assertEquals } from "@std/assert";
import { Figures } from "./figures.ts";
import { judge } from "./judge.ts";

Deno.test("judge() compares with servers, with scenarios and with figures", () => {
  const figures = new Figures();
  const ten = "10 connections";
  figures.add({ scenario: ten, server: "source" }, { rate: 80 });
  figures.add({ scenario: ten, server: "Deno echo" }, { rate: 100 });
  figures.add({ scenario: ten, server: "Python internal" }, { rate: 20 });
  figures.add({ scenario: "zipf 1000", server: "source" }, { p99: 100 });
  figures.add({ scenario: "zipf 1000000", server: "source" }, { p99: 150 });
  figures.add({ scenario: "idle", server: "source" }, { rss: 70 });
  figures.add({ scenario: "idle", server: "compiled" }, { rss: 70 });
  const judgements = judge(figures, ["source", "compiled"]);
  assertEquals(
    judgements.map(({ form, floor, figure, holds }) => [form, floor, figure, holds]),
    [
      ["source", "≥ 0.95 × Deno echo", 0.8, false],
      ["source", "≥ 2.5 × Python internal", 4, true],
      ["source", "≤ 2 × zipf 1000", 1.5, true],
      ["compiled", "≤ 57", 70, false],
    ],
  );
});
