/**
 * What reports say about a policy before it is enforced: whose sessions would have failed.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  describeOutlook,
  judgeReports,
  outlookDangers,
  type Reported,
} from "../../src/publish/outlook.ts";
import type { OutcomeRow, ProblemRow } from "../../src/receive/types.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";

type Rows = Extract<Reported, { kind: "rows" }>;

const COMMON = {
  domain: "a.example",
  day: "2026-11-28",
  submitter: "s.example",
  authentication: "dkim",
} as const;

function ran(successful: number, failed: number, rest: Partial<OutcomeRow> = {}): OutcomeRow {
  return { ...COMMON, policy: "sts", successful, failed, ...rest };
}

function saw(
  result: ProblemRow["result"],
  count: number,
  rest: Partial<ProblemRow> = {},
): ProblemRow {
  return { ...COMMON, result, mx: "mx.a.example", reason: "", network: "", count, ...rest };
}

function rows(outcomes: OutcomeRow[], problems: ProblemRow[] = []): Rows {
  return { kind: "rows", entry: "a.example", outcomes, problems };
}

/** Sessions, failures, silent sessions. */
function sums(outcomes: OutcomeRow[], problems: ProblemRow[] = []) {
  const { sessions, failures, silent } = judgeReports(rows(outcomes, problems));
  return [sessions, failures, silent];
}

Deno.test("judgeReports() counts all results but those of DANE, which goes by TLSA records in any mode", () => {
  const dane = ["tlsa-invalid", "dnssec-invalid", "dane-required"];
  for (const result of [...RESULT_TYPES, "unknown"] as const) {
    const expected = dane.includes(result) ? 0 : 2;
    assertEquals([result, ...sums([ran(8, 2)], [saw(result, 2)])], [result, 10, expected, 0]);
  }
  assertEquals(sums([ran(8, 2, { policy: "tlsa" })], [saw("certificate-not-trusted", 2)]), [
    0,
    0,
    10,
  ]);
});

Deno.test("judgeReports() never counts more failures than sessions that failed (RFC 8460 §4)", () => {
  // Two details for each session.
  assertEquals(sums([ran(8, 2)], [saw("certificate-expired", 2), saw("validation-failure", 2)]), [
    10,
    2,
    0,
  ]);
  // Failed fetches while a policy was held: the sessions succeeded.
  assertEquals(sums([ran(10, 0)], [saw("sts-policy-fetch-error", 5)]), [10, 0, 0]);
  // One of two failures was of DANE.
  assertEquals(sums([ran(8, 2)], [saw("tlsa-invalid", 1), saw("certificate-expired", 1)]), [
    10,
    1,
    0,
  ]);
  // No details at all.
  assertEquals(sums([ran(8, 2)]), [10, 2, 0]);
  // Details of another day or sender are not of this one.
  const other = saw("tlsa-invalid", 2, { day: "2026-11-27" });
  assertEquals(sums([ran(8, 2)], [other]), [10, 2, 0]);
});

Deno.test("judgeReports() hears nothing from sessions without a policy, but a failure to get it", () => {
  assertEquals(sums([ran(50, 0, { policy: "no-policy-found" })]), [0, 0, 50]);
  assertEquals(
    sums([ran(50, 3, { policy: "no-policy-found" })], [
      saw("sts-policy-fetch-error", 3, { mx: "" }),
    ]),
    [3, 3, 50],
  );
});

Deno.test("judgeReports() believes unsigned reports only if there are no others", () => {
  const unsigned = { authentication: "unsigned", submitter: "forged.example" } as const;
  const forged = [ran(0, 1000, unsigned)];
  assertEquals(sums([ran(1000, 0), ...forged], [saw("certificate-expired", 1000, unsigned)]), [
    1000,
    0,
    0,
  ]);
  const { failures, isUnsigned } = judgeReports(rows(forged));
  assertEquals([failures, isUnsigned], [1000, true]);
});

Deno.test("describeOutlook() names five senders with their causes, and quotes what strangers wrote", () => {
  const outcomes: OutcomeRow[] = [];
  const problems: ProblemRow[] = [];
  for (let index = 1; index <= 7; index++) {
    const submitter = index === 7 ? "evil\u001b[31m\n.example" : `s${index}.example`;
    outcomes.push(ran(100, index, { submitter }), ran(5, 0, { submitter, policy: "tlsa" }));
    problems.push(
      saw("certificate-expired", index, {
        submitter,
        mx: index === 7 ? "mx\u202e" : "mx.a.example",
      }),
    );
  }
  problems.push(saw("validation-failure", 1, { submitter: "s6.example", mx: "" }));
  const reported = rows(outcomes, problems);
  assertEquals(describeOutlook(reported), [
    "TLS reports about a.example in the last 14 days: 728 sessions, of which 28 would have failed; " +
    "35 more saw no policy or went by DANE, and say nothing",
    '  "evil\\u001b[31m\\n.example": 7 of 107: certificate-expired at "mx\\u202e"',
    "  s6.example: 6 of 106: certificate-expired at mx.a.example, validation-failure",
    "  s5.example: 5 of 105: certificate-expired at mx.a.example",
    "  s4.example: 4 of 104: certificate-expired at mx.a.example",
    "  s3.example: 3 of 103: certificate-expired at mx.a.example",
    "  and 2 more senders",
  ]);
  assertEquals(outlookDangers(reported).length, 1);
});

Deno.test("outlookDangers() is silent where nothing is known", () => {
  assertEquals(outlookDangers({ kind: "not-kept" }), []);
  assertEquals(outlookDangers(rows([])), []);
  assertEquals(outlookDangers(rows([ran(50, 0, { policy: "no-policy-found" })])), []);
});
