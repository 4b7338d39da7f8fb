import { assert, assertEquals } from "@std/assert";
import type { StoredFailure } from "../../src/cache/types.ts";
import {
  countsFailure,
  decideCheck,
  decideQuery,
  decideShared,
  isLive,
} from "../../src/resolver/decide.ts";
import type {
  CheckDecision,
  CheckFacts,
  SharedFacts,
  UnheldFacts,
} from "../../src/resolver/decide.ts";
import { holdPolicy } from "../../src/resolver/held_policy.ts";
import type { HeldPolicy, PolicyFetch, TxtResult } from "../../src/resolver/types.ts";
import { createRandom } from "../fakes/random.ts";
import { OUTCOMES } from "../../src/status/outcome_text.ts";

const NOW = 1_000_000;

function policyOf(id: string, refreshAt = NOW + 1): HeldPolicy {
  const text = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";
  const held = holdPolicy({ domain: "example.com", id, text, fetchedAt: NOW });
  assert(!(held instanceof Error));
  return { ...held, refreshAt };
}

const HELD = policyOf("1");
const DUE = policyOf("1", NOW);
const NEXT = policyOf("2");
const SAME: TxtResult = { kind: "found", id: "1" };
const NEW: TxtResult = { kind: "found", id: "2" };
const NO_RECORD: TxtResult = { kind: "none", reason: "absent", detail: "no record" };
const SEVERAL: TxtResult = { kind: "none", reason: "several", detail: "two records" };
const DNS_FAILURE: TxtResult = { kind: "failed", reason: "servfail", detail: "SERVFAIL" };
const FETCHED: PolicyFetch = { kind: "policy", held: NEXT };
const UNFETCHED: PolicyFetch = { kind: "failed", reason: "connect", detail: "refused" };
const FAILURE: StoredFailure = {
  domain: "example.com",
  id: "2",
  reason: "status",
  detail: "404",
  count: 1,
  failedAt: NOW - 1,
  retryAt: NOW + 1,
};

const UNHELD: UnheldFacts = {
  kind: "unheld",
  now: NOW,
  storeFault: undefined,
  absence: undefined,
  hasWaited: false,
};
const ABSENCE = { outcome: "no-record", until: NOW + 1 } as const;

function check(facts: Partial<CheckFacts>): CheckDecision {
  return decideCheck({ held: undefined, txt: NO_RECORD, now: NOW, isForced: false, ...facts });
}

function query(facts: Partial<UnheldFacts>): string {
  return decideQuery({ ...UNHELD, ...facts });
}

const ENTRY: SharedFacts["shared"] = { ...HELD, fetchedAt: NOW + 1, isSigned: true };
const CHANGED = { ...ENTRY, id: "2", text: `${HELD.text}x: y\n` };

function share(facts: Partial<SharedFacts>, unsigned: "unsigned" | "signed" = "signed"): string {
  const { shared = ENTRY, ...rest } = facts;
  return decideShared({
    ...{ held: undefined, wantedId: undefined, now: NOW + 2, ...rest },
    shared: { ...shared, isSigned: unsigned === "signed" },
  });
}

function outcomeOf(decision: CheckDecision | string): string {
  if (typeof decision === "string") return decision;
  return decision.step === "fetch" ? `fetch ${decision.id}` : decision.outcome;
}

/** Each line: the row of the table, its outcome, and the facts that lead there. */
const TABLE: readonly [string, string, ...(CheckDecision | string)[]][] = [
  ["1", "fresh", decideQuery({ kind: "held", now: NOW, nextCheckAt: NOW + 1 })],
  ["2", "rechecking", decideQuery({ kind: "held", now: NOW, nextCheckAt: NOW })],
  ["2", "unchanged", check({ held: HELD, txt: SAME })],
  [
    "3",
    "kept-without-record",
    check({ held: HELD, txt: NO_RECORD }),
    check({ held: HELD, txt: SEVERAL }),
    check({ held: HELD, txt: DNS_FAILURE }),
  ],
  [
    "4",
    "replaced",
    check({ held: HELD, txt: NEW, fetched: FETCHED }),
    check({ held: DUE, txt: SAME, fetched: FETCHED }),
    check({ held: DUE, txt: NO_RECORD, fetched: FETCHED }),
  ],
  [
    "5",
    "kept-fetch-failed",
    check({ held: HELD, txt: NEW, fetched: UNFETCHED }),
    check({ held: HELD, txt: NEW, failure: FAILURE }),
    check({ held: DUE, txt: DNS_FAILURE, failure: { ...FAILURE, id: "1" } }),
  ],
  ["7", "fetched", check({ txt: NEW, fetched: FETCHED })],
  [
    "8",
    "fetch-failed",
    check({ txt: NEW, fetched: UNFETCHED }),
    check({ txt: NEW, failure: FAILURE }),
    query({ absence: { outcome: "fetch-failed", until: NOW + 1 } }),
  ],
  [
    "9",
    "no-record",
    check({ txt: NO_RECORD }),
    check({ txt: SEVERAL }),
    query({ absence: ABSENCE }),
    query({ absence: { ...ABSENCE, until: NOW }, hasWaited: true }),
  ],
  [
    "10",
    "dns-failure",
    check({ txt: DNS_FAILURE }),
    query({ absence: { outcome: "dns-failure", until: NOW + 1 } }),
  ],
  [
    "10",
    "cache-unusable",
    query({ absence: ABSENCE, storeFault: "busy" }),
    query({ absence: ABSENCE, storeFault: "busy", hasWaited: true }),
    query({ storeFault: "busy", hasWaited: true }),
  ],
  ["11", "deadline", query({ hasWaited: true })],
];

for (const [row, outcome, ...decisions] of TABLE) {
  Deno.test(`decide: ${outcome}, row ${row} (RFC 8461 §3.1, §3.3, §5.1)`, () => {
    for (const decision of decisions) assertEquals(outcomeOf(decision), outcome);
  });
}

/** The same for what other hosts of a fleet fetched. */
const SHARED_TABLE: readonly [string, string, ...string[]][] = [
  [
    "12",
    "ignore",
    share({ now: ENTRY.expiresAt }),
    share({ held: HELD, shared: { ...CHANGED, fetchedAt: NOW - 1 } }),
    share({ held: HELD, shared: { ...CHANGED, fetchedAt: NOW - 1 } }, "unsigned"),
    share({ held: HELD, shared: { ...ENTRY, fetchedAt: NOW } }),
    share({ lastFetchedAt: ENTRY.fetchedAt }),
    share({ held: HELD, shared: { ...ENTRY, id: "2", fetchedAt: NOW } }),
  ],
  [
    "13",
    "renew",
    share({ held: HELD }),
    share({ held: HELD }, "unsigned"),
    share({ held: HELD, shared: { ...ENTRY, id: "2" } }),
    // The own record has the new id, and the text was taken under the id before.
    share({ held: HELD, shared: { ...ENTRY, id: "2", fetchedAt: NOW }, wantedId: "2" }),
  ],
  ["14", "adopt", share({ held: HELD, shared: CHANGED })],
  [
    "15",
    "check",
    share({ held: HELD, shared: CHANGED }, "unsigned"),
    share({ held: HELD, shared: CHANGED, wantedId: "2" }, "unsigned"),
    share({ held: HELD, shared: { ...ENTRY, id: "2" } }, "unsigned"),
    // Whoever can write to the engine could hide the text that the new id stands for.
    share({ held: HELD, shared: { ...ENTRY, id: "2" }, wantedId: "2" }, "unsigned"),
  ],
  ["16", "adopt", share({}), share({ wantedId: "2" })],
  ["17", "adopt", share({ wantedId: "1" }, "unsigned")],
  ["18", "check", share({ wantedId: "2" }, "unsigned"), share({}, "unsigned")],
];

for (const [row, step, ...decisions] of SHARED_TABLE) {
  Deno.test(`decide: row ${row}, a policy of another host: ${step}`, () => {
    for (const decision of decisions) assertEquals(decision, step);
  });
}

Deno.test("decide: hosts that hear the same policies in any order hold the same text in the end", () => {
  const random = createRandom(18);
  for (let run = 0; run < 500; run++) {
    const entries = Array.from({ length: 6 }, () => ({
      ...ENTRY,
      id: `${random.int(3)}`,
      text: `text ${random.int(4)}`,
      fetchedAt: NOW + random.int(4),
    }));
    const ends = Array.from({ length: 4 }, () => {
      let held: SharedFacts["held"];
      // Each is heard once or more often, in an order of its own.
      const heard = [...entries, ...entries].sort(() => random.int(3) - 1);
      for (const shared of heard) {
        const step = decideShared({ held, shared, wantedId: undefined, now: NOW + 10 });
        if (step === "adopt" || held === undefined) held = shared;
        else if (step === "renew") held = { ...held, fetchedAt: shared.fetchedAt };
      }
      return `${held?.text} of ${held?.fetchedAt}`;
    });
    assertEquals(new Set(ends).size, 1, ends.join(", "));
  }
});

Deno.test("decide: the failure of another host counts if it is the newest, and its id was not fetched since", () => {
  const none = { held: undefined, failure: undefined };
  assertEquals(countsFailure(FAILURE, none), true);
  assertEquals(countsFailure(FAILURE, { ...none, failure: FAILURE }), false);
  const later = { ...FAILURE, failedAt: NOW };
  assertEquals(countsFailure(later, { ...none, failure: FAILURE }), true);
  assertEquals(countsFailure(FAILURE, { ...none, failure: later }), false);
  assertEquals(countsFailure(FAILURE, { ...none, held: HELD }), true);
  assertEquals(countsFailure(FAILURE, { ...none, held: { ...HELD, id: "2" } }), false);
});

Deno.test("decide: an expired policy counts as none, row 6 (RFC 8461 §5.1)", () => {
  assertEquals(isLive(HELD, HELD.expiresAt - 1), true);
  assertEquals(isLive(HELD, HELD.expiresAt), false);
});

Deno.test("decide: the table of this test is the table in the header", () => {
  const text = Deno.readTextFileSync(new URL("../../src/resolver/decide.ts", import.meta.url));
  const lines = [...text.matchAll(/^ \* \| ([0-9]+) \|(.*)\|$/gm)].map(([, row, cells]) => [
    row,
    /`([a-z-]+)`/.exec(cells!.split("|")[3]!)?.[1],
  ]);
  const withoutCode = lines.filter(([, outcome]) => outcome === undefined);
  assertEquals(withoutCode, [["6", undefined]]);
  const expected = [...TABLE, ...SHARED_TABLE].map(([row, outcome]) => [row, outcome]);
  assertEquals(lines.filter(([, outcome]) => outcome !== undefined), expected);
  // Exceptions of the configuration come before this table: those are in exceptions.ts.
  const decided = OUTCOMES.filter((outcome) => !outcome.startsWith("exception-"));
  assertEquals([...TABLE.map(([, outcome]) => outcome), "shared"].sort(), decided.sort());
});

Deno.test("decide: what comes before an outcome", () => {
  const steps: [CheckDecision | string, string][] = [
    [query({}), "check-first"],
    [query({ storeFault: "busy" }), "check-first"],
    [query({ absence: { ...ABSENCE, until: NOW } }), "check-first"],
    [check({ txt: NEW }), "fetch 2"],
    [check({ held: HELD, txt: NEW }), "fetch 2"],
    [check({ held: DUE, txt: SAME }), "fetch 1"],
    [check({ held: DUE, txt: NO_RECORD }), "fetch 1"],
    [check({ held: DUE, txt: DNS_FAILURE }), "fetch 1"],
    [check({ held: HELD, txt: SAME, isForced: true }), "fetch 1"],
    // The back-off is for one id, for a time, and not for the operator.
    [check({ txt: NEW, failure: { ...FAILURE, id: "1" } }), "fetch 2"],
    [check({ txt: NEW, failure: { ...FAILURE, retryAt: NOW } }), "fetch 2"],
    [check({ txt: NEW, failure: FAILURE, isForced: true }), "fetch 2"],
    // There is nothing to force without a record and without a policy.
    [check({ txt: NO_RECORD, isForced: true }), "no-record"],
  ];
  for (const [decision, expected] of steps) assertEquals(outcomeOf(decision), expected);
});

Deno.test("decideCheck() never drops a held policy but for a newer one (RFC 8461 §3.3)", () => {
  for (const held of [HELD, DUE]) {
    for (const txt of [SAME, NEW, NO_RECORD, SEVERAL, DNS_FAILURE]) {
      for (const failure of [undefined, FAILURE, { ...FAILURE, id: "1" }]) {
        for (const fetched of [undefined, FETCHED, UNFETCHED]) {
          for (const isForced of [false, true]) {
            const facts = { held, txt, failure, isForced, ...(fetched && { fetched }) };
            const decision = check(facts);
            if (decision.step === "fetch") continue;
            assert(decision.step !== "do-without");
            assertEquals(decision.policy, fetched === FETCHED ? NEXT : held);
          }
        }
      }
    }
  }
});
