import { assertEquals } from "@std/assert";
import { decide } from "../../src/resolver/decide.ts";
import type { Decision, Situation } from "../../src/resolver/decide.ts";

const NOTHING: Situation = {
  heldId: undefined,
  txt: { kind: "unasked" },
  fetch: "not-tried",
  refreshDue: false,
  deadlineReached: false,
};
const HELD: Situation = { ...NOTHING, heldId: "1" };
const SAME = { kind: "found", id: "1" } as const;
const NEW = { kind: "found", id: "2" } as const;
const LOOKUP: Decision = { step: "lookup-txt" };
const FETCH: Decision = { step: "fetch" };

function answer(row: number, use: string, check = false): unknown {
  return { step: "answer", row, use, check };
}

/** Each line: what is known, and what follows. Row 6 is the absence of `heldId`. */
const TABLE: readonly [string, Situation, unknown][] = [
  ["row 1: held, checked lately", { ...HELD, txt: { kind: "recent" } }, answer(1, "held")],
  ["row 2: held, check is due", HELD, answer(2, "held", true)],
  ["row 2: held, same id", { ...HELD, txt: SAME }, answer(2, "held")],
  ["row 3: held, no record", { ...HELD, txt: { kind: "none" } }, answer(3, "held")],
  ["row 3: held, DNS failure", { ...HELD, txt: { kind: "failed" } }, answer(3, "held")],
  ["held, new id", { ...HELD, txt: NEW }, FETCH],
  ["held, same id, refresh due", { ...HELD, txt: SAME, refreshDue: true }, FETCH],
  ["held, no record, refresh due", { ...HELD, txt: { kind: "none" }, refreshDue: true }, FETCH],
  ["held, DNS failure, refresh due", { ...HELD, txt: { kind: "failed" }, refreshDue: true }, FETCH],
  ["row 4: held, new id, fetched", { ...HELD, txt: NEW, fetch: "fetched" }, answer(4, "new")],
  ["row 5: held, new id, fetch failed", { ...HELD, txt: NEW, fetch: "failed" }, answer(5, "held")],
  ["row 5: held, held off", { ...HELD, txt: NEW, fetch: "held-off" }, answer(5, "held")],
  ["none held, nothing known", NOTHING, LOOKUP],
  ["none held, found", { ...NOTHING, txt: NEW }, FETCH],
  ["row 7: none held, fetched", { ...NOTHING, txt: NEW, fetch: "fetched" }, answer(7, "new")],
  ["row 8: none held, fetch failed", { ...NOTHING, txt: NEW, fetch: "failed" }, answer(8, "none")],
  ["row 8: none held, held off", { ...NOTHING, txt: NEW, fetch: "held-off" }, answer(8, "none")],
  ["row 9: none held, no record", { ...NOTHING, txt: { kind: "none" } }, answer(9, "none")],
  ["row 10: DNS failure", { ...NOTHING, txt: { kind: "failed" } }, answer(10, "undecided")],
  ["row 11: deadline", { ...NOTHING, deadlineReached: true }, answer(11, "undecided")],
  [
    "row 11: deadline during the fetch",
    { ...NOTHING, txt: NEW, deadlineReached: true },
    answer(11, "undecided"),
  ],
];

for (const [name, situation, expected] of TABLE) {
  Deno.test(`decide() ${name} (RFC 8461 §3.1, §3.3, §5.1)`, () => {
    assertEquals<unknown>(decide(situation), expected);
  });
}

Deno.test("decide() never drops a held policy but for a newer one (RFC 8461 §3.3)", () => {
  const txts: Situation["txt"][] = [
    { kind: "recent" },
    { kind: "unasked" },
    { kind: "none" },
    { kind: "failed" },
    SAME,
    NEW,
  ];
  for (const txt of txts) {
    for (const fetch of ["not-tried", "held-off", "fetched", "failed"] as const) {
      for (const refreshDue of [false, true]) {
        for (const deadlineReached of [false, true]) {
          const decision = decide({ heldId: "1", txt, fetch, refreshDue, deadlineReached });
          if (decision.step !== "answer") continue;
          assertEquals(decision.use, fetch === "fetched" ? "new" : "held");
        }
      }
    }
  }
});
