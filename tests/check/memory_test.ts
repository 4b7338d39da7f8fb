import { assertEquals, assertThrows } from "@std/assert";
import { finding } from "../../src/check/finding.ts";
import {
  changes,
  formatMemory,
  type Noted,
  parseMemory,
  remember,
  type Remembered,
} from "../../src/check/memory.ts";
import { judgePolicy } from "../../src/check/policy.ts";
import { POLICY } from "./world.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

function noted(change: Partial<Noted> = {}): Noted {
  return { id: "1", digest: "aa", mode: "enforce", findings: [], now: NOW, ...change };
}

const FAULT = finding("txt-missing", { group: "txt", subject: "_mta-sts.a.example", seen: "x" });
const WARNING = finding("mx-alias", { group: "mx", subject: "mx.a.example", seen: "5 days" });
const REMARK = finding("host-alias", { group: "host", subject: "mta-sts.a.example", seen: "x" });

Deno.test("remember() keeps the policy that came first with an id, for senders may hold it (RFC 8461 §3.1)", () => {
  const first = remember(undefined, noted());
  assertEquals(first.digest, "aa");
  const changed = remember(first, noted({ digest: "bb" }));
  assertEquals(changed.digest, "aa");
  const rolled = remember(changed, noted({ id: "2", digest: "bb" }));
  assertEquals([rolled.id, rolled.digest], ["2", "bb"]);
});

Deno.test("remember() keeps what was known when nothing could be seen", () => {
  const first = remember(undefined, noted());
  const blind = remember(first, noted({ id: undefined, digest: undefined, mode: undefined }));
  assertEquals(blind, first);
});

Deno.test("remember() counts the time of a mode from when it was first seen", () => {
  const first = remember(undefined, noted({ mode: "testing" }));
  const later = remember(first, noted({ mode: "testing", now: NOW + DAY_MS }));
  assertEquals(later.modeSince, NOW);
  assertEquals(remember(later, noted({ now: NOW + DAY_MS })).modeSince, NOW + DAY_MS);
});

Deno.test("changes() tells what is new and what is gone, remarks aside", () => {
  const before = remember(undefined, noted({ findings: [FAULT, REMARK] }));
  assertEquals(changes(before, [FAULT, REMARK]), []);
  assertEquals(changes(before, [WARNING]).map(({ kind, finding: { id } }) => [kind, id]), [
    ["new", "mx-alias"],
    ["gone", "txt-missing"],
  ]);
  assertEquals(changes(undefined, [FAULT, REMARK]).length, 1);
  // What was seen may count days: it makes no difference.
  const counted = remember(undefined, noted({ findings: [WARNING] }));
  assertEquals(changes(counted, [{ ...WARNING, seen: "4 days" }]), []);
});

Deno.test("parseMemory() reads what formatMemory() printed", () => {
  const memory = new Map([
    ["a.example", remember(undefined, noted({ findings: [FAULT, WARNING] }))],
    ["b.example", remember(undefined, noted({ id: undefined, digest: undefined }))],
  ]);
  assertEquals(new Map(parseMemory(formatMemory(memory))), memory);
});

Deno.test("parseMemory() refuses anything else, and leaves out findings it does not know", () => {
  for (
    const text of [
      "",
      "{}",
      "[]",
      "null",
      '{"version": 2, "domains": {}}',
      '{"version": 1, "domains": {"a.example": {}}}',
      '{"version": 1, "domains": {"a.example": {"modeSince": "x", "findings": []}}}',
    ]
  ) assertThrows(() => parseMemory(text), SyntaxError);
  const odd = JSON.stringify({
    version: 1,
    domains: {
      "a.example": {
        modeSince: 1,
        id: 7,
        findings: [{ id: "no-such", subject: "x" }, { id: "toString", subject: "x" }, null],
      },
    },
  });
  assertEquals(parseMemory(odd).get("a.example"), { modeSince: 1, findings: [] });
});

/** A policy judged without MX hosts. */
function judge(remembered: Remembered | undefined, policy: string, id: string) {
  const answer = { kind: "nodata", secure: false, validated: true, ttl: 0 } as const;
  return judgePolicy({
    outcome: { kind: "fetched", text: policy, bytes: policy.length },
    trace: { url: "https://mta-sts.example.com/", addresses: [], refused: [] },
  }, {
    id,
    mail: { answer, implicit: false, invalid: [], hosts: [], left: [] },
    remembered,
    now: NOW,
    suggest: () => undefined,
  });
}

/** The names of what is found in a policy, but that it is valid. */
function judged(...[remembered, policy, id]: Parameters<typeof judge>) {
  const { findings } = judge(remembered, policy, id);
  return findings.filter(({ severity }) => severity !== "ok").map(({ id: name }) => name);
}

Deno.test("judgePolicy() compares id and policy with the last check (RFC 8461 §3.1)", () => {
  const { digest } = judge(undefined, POLICY, "1");
  const last = remember(undefined, noted({ digest }));
  assertEquals(judged(last, POLICY, "1"), []);
  assertEquals(judged(last, `${POLICY}mx: mx3.example.com\r\n`, "1"), ["id-not-changed"]);
  assertEquals(judged(last, `${POLICY}mx: mx3.example.com\r\n`, "2"), ["id-changed"]);
  assertEquals(judged(undefined, POLICY, "1"), []);
});

Deno.test("judgePolicy() tells for how long a policy has been testing, by memory or by the date in its id", () => {
  const testing = POLICY.replace("enforce", "testing");
  const seen = { id: "x", digest: undefined, findings: [] };
  const since = (days: number) =>
    remember(undefined, { ...seen, mode: "testing", now: NOW - days * DAY_MS });
  assertEquals(judged(undefined, testing, "x"), ["policy-mode-testing"]);
  assertEquals(judged(since(29), testing, "x"), ["policy-mode-testing"]);
  assertEquals(judged(since(31), testing, "x"), ["policy-mode-testing-long"]);
  assertEquals(judged(undefined, testing, "20251230T1"), ["policy-mode-testing"]);
  assertEquals(judged(undefined, testing, "2025010112"), ["policy-mode-testing-long"]);
  assertEquals(judged(undefined, testing, "20991301"), ["policy-mode-testing"]);
  assertEquals(judged(undefined, testing, "20260231"), ["policy-mode-testing"]);
});
