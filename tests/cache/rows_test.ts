import { assert, assertEquals } from "@std/assert";
import {
  domainOfNextHop,
  isFailure,
  isMx,
  isPolicyRow,
  readPolicyRow,
  selectDue,
} from "../../src/cache/rows.ts";
import { DAY, failureOf, policyOf, START, textOf } from "./harness.ts";

/** Values that no column may hold. */
const ODD_VALUES: unknown[] = [null, undefined, 7.5e15, NaN, -1, Infinity, new Uint8Array(3), true];

Deno.test("isPolicyRow() takes what the RFC allows and nothing else (RFC 8461 §3.1, §3.3)", () => {
  const { policy: _, strings: __, expiresAt: ___, ...good } = policyOf("example.com");
  assert(isPolicyRow(good));
  assert(isPolicyRow({ ...good, id: "a".repeat(32), text: "x".repeat(65_536), lastUsedAt: 0 }));
  assert(isPolicyRow({ ...good, domain: "d".repeat(253) }));
  const wrong: Record<string, unknown>[] = [
    { domain: "" },
    { domain: "d".repeat(254) },
    { id: "" },
    { id: "a".repeat(33) },
    { id: "2026-01-01" },
    { id: "1\n" },
    { text: "x".repeat(65_537) },
    { fetchedAt: "1" },
    { fetchedAt: Date.UTC(2100, 0, 1) },
  ];
  for (const change of wrong) assert(!isPolicyRow({ ...good, ...change }), JSON.stringify(change));
  for (const field of Object.keys(good)) {
    for (const value of ODD_VALUES) {
      assert(!isPolicyRow({ ...good, [field]: value }), `${field} = ${value}`);
    }
  }
});

Deno.test("isFailure() takes words of a list and whole numbers", () => {
  const good = failureOf("example.com");
  assert(isFailure(good));
  for (const change of [{ reason: "a b" }, { reason: "" }, { count: 1.5 }, { count: "1" }]) {
    assert(!isFailure({ ...good, ...change }), JSON.stringify(change));
  }
  for (const field of Object.keys(good).filter((name) => name !== "count")) {
    for (const value of ODD_VALUES) assert(!isFailure({ ...good, [field]: value }), field);
  }
});

Deno.test("isMx() bounds name and content", () => {
  const good = { nextHop: `[${"h".repeat(253)}]:65535`, json: "{}", checkedAt: START };
  assert(isMx(good));
  assert(!isMx({ ...good, nextHop: "" }));
  assert(!isMx({ ...good, nextHop: `${good.nextHop}0` }));
  assert(!isMx({ ...good, json: "x".repeat(65_537) }));
  for (const field of Object.keys(good)) {
    for (const value of ODD_VALUES) assert(!isMx({ ...good, [field]: value }), field);
  }
});

Deno.test("readPolicyRow() parses the text, and adds max_age to the time of the fetch (RFC 8461 §3.2)", () => {
  const { policy: _, strings: __, expiresAt: ___, ...row } = policyOf("a.example");
  assertEquals(readPolicyRow(row), policyOf("a.example"));
  assertEquals(readPolicyRow({ ...row, text: textOf(60) })?.expiresAt, START + 60_000);
  const capped = readPolicyRow({ ...row, text: textOf(99_999_999) });
  assertEquals(capped?.expiresAt, START + 31_557_600_000);
  assertEquals(readPolicyRow({ ...row, text: "mode: enforce" }), undefined);
  assertEquals(readPolicyRow({ ...row, domain: "" }), undefined);
});

Deno.test("selectDue() takes what is due, used and unexpired, the longest overdue first", () => {
  const due = START + 2 * DAY;
  const policies = [
    policyOf("second.example", { refreshAt: due }),
    policyOf("first.example", { refreshAt: due - 5 }),
    policyOf("later.example", { refreshAt: due + 1 }),
    policyOf("unused.example", { lastUsedAt: START - 1 }),
    policyOf("expired.example", { text: textOf(2 * 86_400) }),
    policyOf("far.example", { refreshAt: due + 5 * DAY }),
  ];
  const query = { due, alive: due, farthest: due + DAY, usedSince: START, limit: 10 };
  assertEquals(selectDue(policies, query), ["first.example", "second.example", "far.example"]);
  assertEquals(selectDue(policies, { ...query, limit: 1 }), ["first.example"]);
  assertEquals(selectDue(policies, { ...query, alive: due - 1 }).length, 4);
});

Deno.test("domainOfNextHop() finds the domain in every form of a next hop", () => {
  for (
    const form of ["a.example", "a.example:587", "a.example:?", "[a.example]", "[a.example]:25"]
  ) {
    assertEquals(domainOfNextHop(form), "a.example", form);
  }
});
