import { assertEquals } from "@std/assert";
import { countedDay, DAY_MS, dayNumber, formatDay, parseDay } from "../../src/receive/days.ts";
import {
  believedSums,
  describeVerdict,
  failureShare,
  lastDays,
  readSummary,
  summarize,
} from "../../src/receive/summary.ts";
import type { OutcomeRow, ProblemRow } from "../../src/receive/types.ts";
import { DAY, detailOf, reportOf, withStore } from "./support.ts";

const WEEK = { domain: "a.test", since: "2026-06-08", until: "2026-06-15" };

function outcome(parts: Partial<OutcomeRow> = {}): OutcomeRow {
  return {
    domain: "a.test",
    day: "2026-06-14",
    submitter: "s.test",
    policy: "sts",
    authentication: "dkim",
    successful: 10,
    failed: 0,
    ...parts,
  };
}

function problem(parts: Partial<ProblemRow> = {}): ProblemRow {
  return {
    domain: "a.test",
    day: "2026-06-14",
    submitter: "s.test",
    authentication: "dkim",
    result: "certificate-expired",
    mx: "mx.a.test",
    reason: "",
    network: "",
    count: 1,
    ...parts,
  };
}

Deno.test("a report counts for the day that holds the middle of its first 24 hours", () => {
  const at = (text: string) => Date.parse(text);
  for (
    const [begin, end, day] of [
      ["2026-11-27T00:00:00Z", "2026-11-27T23:59:59Z", "2026-11-27"],
      // Q4
      ["2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z", "2026-11-27"],
      ["2026-11-27T11:00:00Z", "2026-11-28T11:00:00Z", "2026-11-27"],
      ["2026-11-27T13:00:00Z", "2026-11-28T13:00:00Z", "2026-11-28"],
      ["2026-11-27T08:00:00Z", "2026-11-28T08:00:00Z", "2026-11-27"],
      // Pacific time
      ["2026-11-27T20:00:00Z", "2026-11-27T21:00:00Z", "2026-11-27"],
      ["2026-11-27T23:00:00Z", "2026-11-28T02:00:00Z", "2026-11-28"],
      // Q5
      ["2020-01-01T00:00:00Z", "2020-01-07T23:59:59Z", "2020-01-01"],
      // Backwards
      ["2026-11-27T20:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27"],
    ] as const
  ) {
    assertEquals(formatDay(countedDay({ begin: at(begin), end: at(end) })), day, begin);
  }
});

Deno.test("days are read and written", () => {
  assertEquals(parseDay("2026-02-29"), undefined);
  assertEquals(parseDay("2026-2-9"), undefined);
  assertEquals(parseDay("1969-12-31"), undefined);
  assertEquals(formatDay(parseDay("2026-06-15")!), "2026-06-15");
  assertEquals(dayNumber(NaN), 0);
  assertEquals(formatDay(dayNumber(Infinity)), "9999-12-31");
  assertEquals(lastDays(DAY * DAY_MS + 5, 7), { since: "2026-06-08", until: "2026-06-15" });
});

Deno.test("summarize() says who could not deliver, and who could", () => {
  const outcomes = [
    outcome(),
    outcome({ day: "2026-06-13", successful: 5 }),
    outcome({ submitter: "t.test", successful: 90, failed: 10 }),
    outcome({ submitter: "u.test", successful: 1000, policy: "tlsa" }),
    outcome({ submitter: "u.test", authentication: "unsigned", failed: 5, successful: 0 }),
    outcome({ submitter: "v.test", successful: 2, policy: "no-policy-found" }),
    outcome({ day: "2026-06-01", failed: 99 }),
    outcome({ day: "2026-06-16", failed: 99 }),
  ];
  const summary = summarize({ outcomes, problems: [problem({ submitter: "v.test" })] }, WEEK);
  assertEquals(summary.verdict, "failures");
  assertEquals(
    summary.senders.map(({ submitter, authentication, hasFailed, successful, failed, last }) =>
      [submitter, authentication, hasFailed, successful, failed, last].join(" ")
    ),
    [
      "t.test dkim true 90 10 2026-06-14",
      "u.test unsigned true 0 5 2026-06-14",
      "v.test dkim true 2 0 2026-06-14",
      "u.test dkim false 1000 0 2026-06-14",
      "s.test dkim false 15 0 2026-06-14",
    ],
  );
  assertEquals([summary.failing, summary.unsigned], [3, 1]);
  assertEquals(summary.sessions, { successful: 1107, failed: 15 });
  assertEquals(summary.signed, { successful: 1107, failed: 10 });
  assertEquals(believedSums(summary), summary.signed);
  assertEquals(summary.policies, [
    { policy: "sts", successful: 105, failed: 15 },
    { policy: "tlsa", successful: 1000, failed: 0 },
    { policy: "no-policy-found", successful: 2, failed: 0 },
  ]);
  assertEquals(summary.days.length, 8);
  assertEquals(summary.days.slice(-3), [
    { day: "2026-06-13", successful: 5, failed: 0, senders: 1 },
    { day: "2026-06-14", successful: 1102, failed: 15, senders: 5 },
    { day: "2026-06-15", successful: 0, failed: 0, senders: 0 },
  ]);
  assertEquals(
    describeVerdict(summary),
    "3 of 5 senders could not deliver securely in 7 days; 1 of the 5 is unsigned",
  );
});

Deno.test("the verdict in words", () => {
  const of = (outcomes: OutcomeRow[], problems: ProblemRow[] = []) =>
    describeVerdict(summarize({ outcomes, problems }, WEEK));
  const unsigned = { authentication: "unsigned" } as const;
  assertEquals(of([]), "no sender reported anything in 7 days");
  assertEquals(of([outcome()]), "the only sender delivered securely in 7 days");
  assertEquals(
    of([outcome({ failed: 1 })]),
    "the only sender could not deliver securely in 7 days",
  );
  assertEquals(
    of([outcome(), outcome({ submitter: "t.test" })]),
    "all 2 senders delivered securely in 7 days",
  );
  assertEquals(
    of([outcome(unsigned)]),
    "the only sender delivered securely in 7 days; no report is signed",
  );
  const day = summarize({ outcomes: [], problems: [] }, { ...WEEK, since: "2026-06-14" });
  assertEquals(describeVerdict(day), "no sender reported anything in 1 day");
});

Deno.test("alarms go by all sessions only where nobody signs", () => {
  const unsigned = outcome({ authentication: "unsigned", failed: 90 });
  const alone = summarize({ outcomes: [unsigned], problems: [] }, WEEK);
  assertEquals(failureShare(believedSums(alone)), 0.9);
  const both = summarize({ outcomes: [unsigned, outcome()], problems: [] }, WEEK);
  assertEquals(failureShare(believedSums(both)), 0);
  assertEquals(failureShare({ successful: 0, failed: 0 }), 0);
});

Deno.test("problems stand together by result, host and remedy, the most sessions first", () => {
  const result = "validation-failure";
  const { problems } = summarize({
    outcomes: [outcome(), outcome({ submitter: "t.test" })],
    problems: [
      problem({ count: 2, network: "192.0.2.0/24" }),
      problem({ count: 3, network: "198.51.100.0/24" }),
      problem({ count: 1, submitter: "t.test", authentication: "unsigned" }),
      problem({ result, reason: "MX_HOSTS_MISMATCH", count: 9, authentication: "unsigned" }),
      problem({
        result,
        reason: "mtasts-policy-mx-mismatch",
        count: 10,
        authentication: "unsigned",
      }),
      problem({ result, reason: "odd", count: 4 }),
      problem({ mx: "mx2.a.test", count: 0 }),
    ],
  }, WEEK);
  assertEquals(
    problems.map(({ result, mx, reasons, count, isUnsigned, explanation, senders }) => [
      ...[result, mx, reasons.join(" "), count, isUnsigned, explanation.advice],
      senders.map(({ submitter, count }) => `${submitter} ${count}`).join(", "),
    ]),
    [
      [
        ...[result, "mx.a.test", "mtasts-policy-mx-mismatch MX_HOSTS_MISMATCH", 19, true],
        ...["mx-not-in-policy", "s.test 19"],
      ],
      [
        "certificate-expired",
        "mx.a.test",
        "",
        6,
        false,
        "certificate-expired",
        "s.test 5, t.test 1",
      ],
      [result, "mx.a.test", "odd", 4, false, "tls-failed", "s.test 4"],
    ],
  );
});

Deno.test("since when: days that follow each other, with gaps of up to three days, also before the summary", () => {
  const since = (...days: string[]) => {
    const outcomes = days.map((day) => outcome({ day }));
    const problems = days.map((day) => problem({ day }));
    return summarize({ outcomes, problems }, WEEK).problems[0]?.since;
  };
  assertEquals(since("2026-06-14"), "2026-06-14");
  assertEquals(
    since("2026-05-20", "2026-05-24", "2026-05-28", "2026-06-01", "2026-06-05", "2026-06-09"),
    "2026-05-20",
  );
  assertEquals(since("2026-06-01", "2026-06-06", "2026-06-09"), "2026-06-06");
  assertEquals(since("2026-06-01", "2026-06-07"), undefined, "not in these days any more");
});

Deno.test("new is what a sender had not reported before, on the last day that it reported", () => {
  const isNew = (days: string[], reported: string[], until = "2026-06-15") =>
    summarize({
      outcomes: reported.map((day) => outcome({ day })),
      problems: days.map((day) => problem({ day })),
    }, { ...WEEK, until }).problems[0]!.isNew;
  assertEquals(isNew(["2026-06-14"], ["2026-06-13", "2026-06-14"]), true);
  assertEquals(isNew(["2026-06-13", "2026-06-14"], ["2026-06-13", "2026-06-14"]), false);
  assertEquals(isNew(["2026-06-13"], ["2026-06-13", "2026-06-14"]), false, "over again");
  assertEquals(isNew(["2026-05-20", "2026-06-14"], ["2026-05-20", "2026-06-14"]), false);
  assertEquals(isNew(["2026-06-09"], ["2026-06-09"]), false, "old news");
  assertEquals(isNew(["2026-06-12"], ["2026-06-12"]), true);
});

Deno.test("one sender that is new makes a problem new; the others are not", () => {
  const { problems: [first] } = summarize({
    outcomes: [outcome({ day: "2026-06-13" }), outcome(), outcome({ submitter: "t.test" })],
    problems: [
      problem({ day: "2026-06-13", count: 5 }),
      problem({ count: 5 }),
      problem({ submitter: "t.test" }),
    ],
  }, WEEK);
  assertEquals(first!.isNew, true);
  assertEquals(first!.senders.map(({ submitter, isNew }) => `${submitter} ${isNew}`), [
    "s.test false",
    "t.test true",
  ]);
  assertEquals([first!.since, first!.last, first!.count], ["2026-06-13", "2026-06-14", 11]);
});

Deno.test("readSummary() finds in a store what there is, with the days before it for 'since'", () =>
  withStore(({ store }) => {
    for (let day = DAY - 20; day <= DAY; day++) {
      store.add(reportOf({ day, failed: 1, details: [detailOf()] }));
    }
    const summary = readSummary(store, WEEK);
    assertEquals(summary.sessions, { successful: 80, failed: 8 });
    assertEquals(
      summary.problems.map(({ since, last, count, isNew }) => [since, last, count, isNew]),
      [
        ["2026-05-26", "2026-06-15", 8, false],
      ],
    );
    assertEquals(readSummary(store, { ...WEEK, domain: "b.test" }).verdict, "nothing-reported");
  }));

Deno.test("an untrusted certificate is one that matches no TLSA record if only sessions under TLSA failed", () => {
  const untrusted = problem({ result: "certificate-not-trusted" });
  const adviceOf = (...outcomes: OutcomeRow[]) =>
    summarize({ outcomes, problems: [untrusted] }, WEEK).problems[0]!.explanation.advice;
  assertEquals(adviceOf(outcome({ policy: "tlsa", failed: 1 }), outcome()), "dane-mismatch");
  assertEquals(
    adviceOf(outcome({ policy: "tlsa", failed: 1 }), outcome({ failed: 1 })),
    "certificate-untrusted",
  );
  const other = { policy: "tlsa", failed: 1 } as const;
  assertEquals(adviceOf(outcome({ ...other, day: "2026-06-13" })), "certificate-untrusted");
  assertEquals(adviceOf(outcome({ ...other, submitter: "t.test" })), "certificate-untrusted");
});
