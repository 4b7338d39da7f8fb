import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { violations } from "../check/json_schema.ts";
import schema from "../../docs/received-summary.schema.json" with { type: "json" };
import { dayNumber, formatDay } from "../../src/receive/days.ts";
import { formatPercent } from "../../src/cli/summary_text.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { detailOf, reportOf, type ReportParts, withStore } from "../receive/support.ts";
import { cli } from "./support.ts";

const TODAY = dayNumber(Date.now());

/** Everything that text of strangers could do to a terminal or to performance data. */
const HOSTILE = "\u001b[2J\u202e|x=1\r\nFAIL";

/** Runs the command on a store with reports. Days are written `D-1` and so on. */
async function summary(
  reports: readonly (ReportParts & { ago?: number })[],
  options: readonly string[] = [],
): Promise<{ code: number; out: string; err: string }> {
  let result = { code: -1, out: "", err: "" };
  await withStore(async ({ store, path }) => {
    for (const { ago = 1, ...parts } of reports) {
      const { range } = reportOf({ day: TODAY - ago });
      store.add(reportOf({ range, day: TODAY - ago, ...parts }));
    }
    const config = path.replace("received.db", "config.yml");
    await Deno.writeTextFile(
      config,
      `received:\n  file: ${path}\n  domains: [a.test, "*.b.test"]\n`,
    );
    const { code, out, err } = await cli("report", "summary", "-c", config, ...options);
    let dated = out;
    for (let ago = 0; ago < 60; ago++) dated = dated.replaceAll(formatDay(TODAY - ago), `D-${ago}`);
    result = { code, out: dated, err };
  });
  return result;
}

const TROUBLE: readonly (ReportParts & { ago?: number })[] = [
  { ago: 3, failed: 2, details: [detailOf({ count: 2 })] },
  { ago: 2, failed: 3, details: [detailOf({ count: 3 })] },
  { failed: 1, details: [detailOf()] },
  { submitter: "new.test", failed: 4, details: [detailOf({ count: 4 })], ok: 100 },
  { submitter: "good.test", ok: 1000 },
  {
    submitter: "other.test",
    authentication: "unsigned",
    failed: 1,
    details: [
      detailOf({ result: "validation-failure", reason: "MX_HOSTS_MISMATCH", mxHost: "mx2.a.test" }),
    ],
  },
  { submitter: "silent.test", failed: 1 },
];

Deno.test("report summary says who could not deliver, what failed where, since when, and what to do", async () => {
  const { code, out, err } = await summary(TROUBLE, ["a.test"]);
  assertEquals([code, err], [1, ""]);
  assertEquals(
    out,
    `a.test: 4 of 5 senders could not deliver securely in 7 days; 1 of the 5 is unsigned
  12 sessions of 1162 failed (1.0 %), D-7 to D-0

  certificate-expired at mx.a.test: 10 sessions of 2 senders, since D-3, last on D-1 [new]
    Senders: sender.test (6), new.test (4, new)
    Meaning: The certificate of the mail server has expired.
    Remedy: Renew it, and make the server load it.

  validation-failure at mx2.a.test: 1 session of 1 sender, on D-1 [new] [unsigned]
    Senders: other.test (1, new, unsigned)
    Reasons: MX_HOSTS_MISMATCH
    Meaning: The policy does not cover the MX host, so the sender did not deliver to it.
    Remedy: Add an mx line for the host to the policy and change the id, or remove the MX record.

  failed for reasons that the sender does not name: silent.test (1)

  'mta-sts-resolver check a.test' shows what a sender sees now.
`,
  );
});

Deno.test("report summary without failures, and without reports", async () => {
  const good = await summary([{ ok: 5 }]);
  assertEquals([good.code, good.err], [0, ""]);
  assertEquals(
    good.out,
    `*.b.test: no sender reported anything in 7 days

a.test: the only sender delivered securely in 7 days
  0 sessions of 5 failed (0 %), D-7 to D-0
`,
  );
  const old = await summary([{ ok: 5, ago: 9 }], ["--days", "5", "A.test."]);
  assertEquals(old, { code: 0, out: "a.test: no sender reported anything in 5 days\n", err: "" });
});

Deno.test("report summary --json fits docs/received-summary.schema.json", async () => {
  const hostile = { organization: HOSTILE, submitter: "x.test", failed: 1 };
  const details = [detailOf({ reason: HOSTILE, mxHost: HOSTILE })];
  const { code, out } = await summary([...TROUBLE, { ...hostile, details }], ["--json"]);
  assertEquals(code, 1);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.length, 2);
  for (const line of lines) {
    const dated = JSON.parse(line.replaceAll(/D-[0-9]+/g, "2026-01-01"));
    assertEquals(violations(dated, schema), []);
  }
  assertEquals(/[^\P{C}\n]/u.test(out), false);
  const [, a] = lines.map((line) => JSON.parse(line));
  assertEquals([a.failing_senders, a.unsigned_senders, a.problems.length], [5, 1, 3]);
  assertEquals(a.problems[0].mx_host, "mx.a.test");
  assertEquals(schema.$defs.problem.properties.result.enum, [...RESULT_TYPES, "unknown"]);
});

Deno.test("report summary --nagios: states by thresholds, performance data, and text that cannot forge it", async () => {
  const failing = (failed: number, parts: ReportParts = {}) => ({
    ok: 1000 - failed,
    failed,
    ...parts,
  });
  const run = async (parts: ReportParts, ...options: string[]) => {
    const { code, out } = await summary([parts], ["--nagios", ...options]);
    return [code, out.split(" ")[1], out];
  };
  assertEquals((await run(failing(0))).slice(0, 2), [0, "OK:"]);
  assertEquals((await run(failing(1))).slice(0, 2), [1, "WARNING:"]);
  assertEquals((await run(failing(9))).slice(0, 2), [1, "WARNING:"]);
  assertEquals((await run(failing(10))).slice(0, 2), [2, "CRITICAL:"]);
  assertEquals((await run(failing(10), "--critical", "2.5")).slice(0, 2), [1, "WARNING:"]);
  assertEquals((await run(failing(10), "--warning", "5", "--critical", "5")).slice(0, 2), [
    0,
    "OK:",
  ]);
  assertEquals((await run({ ago: 20 } as ReportParts)).slice(0, 2), [3, "UNKNOWN:"]);

  const unsigned = failing(900, { authentication: "unsigned", submitter: "forger.test" });
  const forged = await summary([failing(0), unsigned], ["--nagios"]);
  assertEquals(forged.code, 0, "nobody sets off the alarm without a signature");
  assertEquals((await summary([unsigned], ["--nagios"])).code, 2, "unless nobody signs");

  const details = [detailOf({ mxHost: HOSTILE, count: 500 })];
  const { out } = await summary([failing(500, { details })], ["--nagios"]);
  const [first = "", ...rest] = out.trimEnd().split("\n");
  assertEquals(
    first,
    "TLSRPT CRITICAL: a.test: the only sender could not deliver securely in 7 days, 50 % of sessions | " +
      "failed=50%;0.1;1;0;100 sessions=1000;;;0 failed_sessions=500;;;0 senders=1;;;0 failing_senders=1;;;0",
  );
  assertEquals(rest.length, 1);
  assertStringIncludes(rest[0]!, "a.test: certificate-expired at ");
  assertEquals(rest[0]!.includes("|"), false);
});

Deno.test("report summary: mistakes are one line, and UNKNOWN for Nagios", async () => {
  for (
    const [options, message] of [
      [["c.test"], `no reports are kept for "c.test"`],
      [["--days", "0"], "'--days' takes 1 to 4000: given '0'"],
      [["--days", "1e2"], "'--days' takes 1 to 4000: given '1e2'"],
      [["--warning", "1"], "'--warning' goes with '--nagios'"],
      [["--json", "--nagios"], "cannot be given together"],
      [["--nagios", "--warning", "2"], "'--warning' is above '--critical'"],
      [["--nagios", "--critical", "101"], "'--critical' takes 0 to 100 percent: given '101'"],
    ] as const
  ) {
    const { code, out, err } = await summary([], options);
    const isPlugin = options.includes("--nagios" as never);
    assertEquals(code, isPlugin ? 3 : 2, message);
    assertStringIncludes(isPlugin ? out : err, message);
    if (isPlugin) assert(out.startsWith("TLSRPT UNKNOWN: "));
  }
});

Deno.test("report summary: no file yet", async () => {
  const config = await Deno.makeTempFile({ suffix: ".yml" });
  await Deno.writeTextFile(
    config,
    "received:\n  file: /nonexistent/received.db\n  domains: [a.test]\n",
  );
  const { code, err } = await cli("report", "summary", "-c", config);
  assertEquals(code, 3);
  assertEquals(
    err,
    "mta-sts-resolver: cannot read /nonexistent/received.db: no report was received yet: " +
      "'report receive' or 'report import' creates it\n",
  );
  await Deno.remove(config);
});

Deno.test("percent have two digits that count", () => {
  assertEquals(
    [0, 0.00000123, 0.000123, 0.0099, 0.0123, 0.123, 0.5, 0.9999, 1].map(formatPercent),
    ["0 %", "0.00012 %", "0.012 %", "0.99 %", "1.2 %", "12 %", "50 %", "100 %", "100 %"],
  );
});
