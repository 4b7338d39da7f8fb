import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { violations } from "../check/json_schema.ts";
import { composeReport, HEADERS } from "../mail/report_mails.ts";
import schema from "../../docs/received-report.schema.json" with { type: "json" };
import vectors from "../vectors/tlsrpt_received.json" with { type: "json" };
import { FINDING_KINDS } from "../../src/check/finding.ts";
import { DEVIATION_KINDS } from "../../src/tlsrpt/deviation.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { REPORT_FAULTS } from "../../src/tlsrpt/read_report.ts";
import { composeReportMail } from "../../src/deliver/report_mail.ts";
import { formatMessage } from "../../src/mail/compose.ts";
import { makeDkimKey, readDkimKey } from "../../src/mail/dkim_key.ts";
import { signMessage } from "../../src/mail/dkim_sign.ts";
import { makeReport } from "../fakes/delivery_queue.ts";
import { cli } from "./support.ts";

const GOOD = vectors[0]!.text;

/** Everything that text of strangers could do to a terminal or a page. */
const HOSTILE = "\u001b[2J\u202e\u0007\r\nFAIL <script>alert(1)</script>\u0000";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Runs the command on files with these contents, named in order. */
async function read(
  files: Readonly<Record<string, Uint8Array>>,
  ...options: string[]
): Promise<{ code: number; out: string; err: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const paths = Object.entries(files).map(([name, octets]) => {
      Deno.writeFileSync(`${directory}/${name}`, octets);
      return `${directory}/${name}`;
    });
    const { code, out, err } = await cli("report", "read", ...options, ...paths);
    return { code, out: out.replaceAll(`${directory}/`, ""), err };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("report read explains a report: who, when, what failed where, what it means, what to do", async () => {
  const { code, out, err } = await read({ "r.json": utf8(GOOD) });
  assertEquals([code, err], [1, ""]);
  assertEquals(
    out,
    `r.json: TLS report of "Example Sender"
  contact    tls@sender.test
  report-id  20261127.a.test
  period     2026-11-27 00:00:00 to 2026-11-27 23:59:59 UTC
  sender     not verified: a file does not show who wrote it

  a.test, MTA-STS policy (mode enforce, MX mx.a.test):
    10 sessions succeeded, 2 sessions failed
    - certificate-expired at mx.a.test [198.51.100.7]: 2 sessions, from 192.0.2.1
      Meaning: The certificate of the mail server has expired.
      Remedy: Renew it, and make the server load it.

  'mta-sts-resolver check a.test' shows what a sender sees now.
`,
  );
});

Deno.test("report read: the three containers give the same report", async () => {
  const { code, out } = await read({
    "r.json": utf8(GOOD),
    "r.json.gz": gzipSync(GOOD),
    "r.eml": composeReport(GOOD),
  }, "--json");
  assertEquals(code, 1);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ container }) => container), ["json", "gzip", "mail"]);
  assertEquals(lines.map(({ deviations }) => deviations), [[], [], []]);
  assertEquals(lines[1].report, lines[0].report);
  assertEquals(lines[2].report, lines[0].report);
  assertEquals(lines[2].mail.from, "noreply@sender.test");
});

Deno.test("report read: a mail in the ways of Microsoft and Google (Q12, Q14, Q15)", async () => {
  const report = GOOD.replace('"20261127.a.test"', '"2026-11-27T00:00:00Z_a.test"');
  const { out } = await read({
    "m.eml": composeReport(GOOD, {
      subject: "Report Domain: a.test Submitter: sender.test Report-ID: 133+a.test",
      headers: HEADERS.map((line) =>
        line.replace("<1@sender.test>", "<1@a.test>").replace(/^ h=.*/, " h=From:To:Subject")
      ),
    }),
    "g.eml": composeReport(report, { mediaType: "application/tlsrpt+zip" }),
    "p.eml": composeReport(GOOD, { octets: utf8(GOOD) }),
  }, "-j");
  const codes = out.trimEnd().split("\n").map((line) =>
    JSON.parse(line).deviations.map(({ code }: { code: string }) => code)
  );
  assertEquals(codes, [
    ["headers-unsigned", "message-id-domain", "subject-form"],
    ["media-type", "subject-id-other"],
    ["media-type-content"],
  ]);
});

Deno.test("report read --json fits docs/received-report.schema.json, for every vector", async () => {
  const files = Object.fromEntries(
    vectors.map(({ text }, index) => [`${index}.json`, utf8(text)]),
  );
  const hostile = GOOD.replaceAll(/"[^":]*"(?=[,\]}])/g, JSON.stringify(HOSTILE));
  const mails = {
    "m.eml": composeReport(GOOD),
    "n.eml": composeReport("", { mediaType: "image/png", fileName: "x.png", octets: utf8("x") }),
    "z.eml": composeReport("", { octets: utf8("PK\x03\x04") }),
    "t.txt": utf8("hello"),
    "h.json": utf8(hostile),
  };
  const { code, out } = await read({ ...files, ...mails }, "--json");
  assertEquals(code, 3);
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, vectors.length + 5);
  for (const line of lines) {
    assertEquals(violations(line, schema), [], line.file);
    assertEquals(Object.hasOwn(line, "report"), !Object.hasOwn(line, "refused"));
  }
  assertEquals(lines.slice(-4, -1).map(({ refused }) => refused.fault), [
    "no-report",
    "zip",
    "no-mail",
  ]);
});

Deno.test("the schema of report read has every result, fault and word there is", () => {
  const { $defs, properties } = schema;
  assertEquals($defs.failure.properties.result.enum, [...RESULT_TYPES, "unknown"]);
  const faults = [...Object.keys(REPORT_FAULTS), "no-mail", "no-report"];
  assertEquals(properties.refused.properties.fault.enum.toSorted(), faults.toSorted());
  for (const code of Object.keys(DEVIATION_KINDS)) assert(/^[a-z0-9-]+$/.test(code));
  for (const code of Object.keys(FINDING_KINDS)) assert(/^[a-z0-9-]+$/.test(code));
});

Deno.test("report read: text of strangers is quoted, cut and on one line", async () => {
  const long = HOSTILE.padEnd(250, "x");
  const hostile = GOOD.replaceAll(
    /"[^":]*"(?=[,\]}])/g,
    (text) => text.startsWith('"2026') ? text : JSON.stringify(long),
  );
  const mail = composeReport(hostile, { subject: "\u202e<script>" });
  for (const octets of [utf8(hostile), mail]) {
    for (const options of [[], ["--json"]]) {
      const { out } = await read({ "h": octets }, ...options);
      assert(out.length > 100);
      assertEquals(/[^\P{C}\n]/u.test(out), false, out);
      assertEquals(out.split("\n").some((line) => line.startsWith("FAIL")), false);
      if (options.length === 0) assert(out.split("\n").every((line) => line.length < 800));
    }
  }
});

Deno.test("report read: thousands of policies and failures are shown in part, with their number", async () => {
  const report = JSON.parse(GOOD);
  const [policy] = report.policies;
  policy["failure-details"] = Array(60).fill(policy["failure-details"][0]);
  policy.policy["mx-host"] = Array(12).fill("mx.a.test");
  report.policies = Array(55).fill(policy);
  const { out } = await read({ "r.json": utf8(JSON.stringify(report)) });
  assertStringIncludes(out, "and 10 more failures");
  assertStringIncludes(out, "and 5 more of its policies");
  assertStringIncludes(out, "and 2 more)");
});

Deno.test("report read: nothing failed, exit status 0; no report, exit status 3", async () => {
  const fine = JSON.parse(GOOD);
  fine.policies[0]["failure-details"] = [];
  fine.policies[0].summary["total-failure-session-count"] = 0;
  const good = await read({ "r.json": utf8(JSON.stringify(fine)) });
  assertEquals(good.code, 0);
  assertStringIncludes(good.out, "Nothing failed.");
  const none = await read({ "r.json": utf8("[]"), "s.json": utf8(GOOD) });
  assertEquals(none.code, 3);
  assertStringIncludes(
    none.out,
    "r.json: no report: its JSON is not a TLS report [not-a-report]\n",
  );
});

Deno.test("report read: files that cannot be read, and '-' twice", async () => {
  const missing = await cli("report", "read", "/nonexistent/r.json");
  assertEquals(missing.code, 2);
  assertEquals(missing.err, "mta-sts-resolver: there is no /nonexistent/r.json\n");
  const twice = await cli("report", "read", "-", "-");
  assertEquals(twice.code, 2);
  assertStringIncludes(twice.err, "'-' can be given once");
  const large = await read({ "r.json": new Uint8Array(8 * 1024 * 1024 + 1) });
  assertEquals(large.code, 2);
  assertStringIncludes(large.err, "larger than 8388608 bytes");
});

Deno.test("report read -: standard input is read to its end", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "main.ts", "report", "read", "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const mail = composeReport(GOOD);
  await writer.write(mail.subarray(0, 100));
  await writer.write(mail.subarray(100));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals(code, 1);
  assertStringIncludes(
    new TextDecoder().decode(stdout),
    'standard input: TLS report of "Example Sender"\n',
  );
});

Deno.test("report read finds nothing odd in a mail of report serve", async () => {
  const report = makeReport("a.test");
  const key = await readDkimKey(await makeDkimKey("ed25519"));
  const mail = await signMessage(composeReportMail(report, { to: "r@a.test", time: report.end }), {
    key,
    selector: "x",
    domain: "example.com",
    time: report.end,
  });
  const { code, out } = await read({ "r.eml": utf8(formatMessage(mail)) }, "--json");
  const line = JSON.parse(out);
  assertEquals(violations(line, schema), []);
  assertEquals(line.deviations, []);
  assertEquals(line.report.report_id, report.reportId);
  assertEquals(line.report.policies.length, report.policies.length);
  assertEquals(code, report.policies.some(({ failed }) => failed > 0) ? 1 : 0);
});
