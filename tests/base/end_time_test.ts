import { assertEquals } from "@std/assert";
import { formatEnd, parseEnd } from "../../src/base/end_time.ts";

Deno.test("parseEnd() takes a date to the end of its day, and a time as it is", () => {
  assertEquals(parseEnd("2024-02-29"), Date.UTC(2024, 2, 1));
  assertEquals(parseEnd("2026-12-31T18:00"), Date.UTC(2026, 11, 31, 18));
  assertEquals(parseEnd("2026-12-31 18:00:05z"), Date.UTC(2026, 11, 31, 18, 0, 5));
  assertEquals(parseEnd("2026-12-31T18:00-05:30"), Date.UTC(2026, 11, 31, 23, 30));
});

Deno.test("parseEnd() refuses what is no date, or a day or time that does not exist", () => {
  for (
    const text of [
      "",
      "2026-13-01",
      "2026-00-01",
      "2025-02-29",
      "2026-04-31",
      "1999-01-01",
      "26-01-01",
      "2026-1-1",
      "2026-12-31T",
      "2026-12-31T24:00",
      "2026-12-31T18:60",
      "2026-12-31T18:00:60",
      "2026-12-31T18:00+15:00",
      "2026-12-31T18:00 CET",
      " 2026-12-31",
      "2026-12-31\n",
    ]
  ) assertEquals(parseEnd(text), undefined, text);
});

Deno.test("formatEnd() writes what parseEnd() reads", () => {
  for (const text of ["2026-12-31", "2026-12-31T18:00:00Z", "2024-02-29", "2026-12-31T00:00:01Z"]) {
    assertEquals(formatEnd(parseEnd(text)!), text);
  }
  assertEquals(formatEnd(parseEnd("2026-12-31T00:00Z")!), "2026-12-30");
});
