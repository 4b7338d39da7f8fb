import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { finding, GROUPS } from "../../src/check/finding.ts";
import { changes } from "../../src/check/memory.ts";
import type { DomainReport } from "../../src/check/report.ts";
import { formatHtml } from "../../src/check/report_html.ts";
import { formatJson } from "../../src/check/report_json.ts";
import { formatNagios, formatUnknown } from "../../src/check/report_nagios.ts";
import { formatChanges, formatText } from "../../src/check/report_text.ts";
import { SCHEMA } from "./docs.ts";
import { FAULTS } from "./fault_table.ts";
import { violations } from "./json_schema.ts";
import { Authorities, CheckWorld } from "./world.ts";

const RUN = {
  program: "mta-sts-resolver",
  version: "1.0.0",
  time: Date.UTC(2026, 0, 1, 12),
  elapsed: 1234.5,
};
const authorities = new Authorities();

/** The report about the healthy domain, or about one with a fault of the table. */
async function report(fault?: string): Promise<DomainReport> {
  const world = new CheckWorld(authorities);
  await FAULTS.find(({ name }) => name === fault)?.arrange(world);
  return await world.check();
}

const HEALTHY = await report();
const STALE = await report("certificate expired");
const TESTED = await report("TLSRPT record missing");

Deno.test("formatText() reads like a report, group by group", () => {
  const text = formatText([STALE], { colour: false });
  const headings = text.split("\n").filter((line) => Object.values<string>(GROUPS).includes(line));
  assertEquals(headings, Object.values<string>(GROUPS));
  assertMatch(text, /^ {2}ok {4}_mta-sts\.example\.com: id "20260101T000000", TTL 300 s$/m);
  assertMatch(
    text,
    /^ {2}FAIL {2}mx2\.backup\.example\.com \[192\.0\.2\.2\]: certificate has expired: .* \[certificate-expired\]\n {8}An expired certificate is not valid \(RFC 8461 §3\.3, §4\.2\)\. Renew it/m,
  );
  assertMatch(text, /^example\.com: 1 error\n$/m);
  assertEquals(text.includes("\x1b"), false);
});

Deno.test("formatText() puts the domain into the advice", async () => {
  const text = formatText([await report("no MTA-STS at all")], { colour: false });
  assertStringIncludes(text, "at _mta-sts.example.com.");
  assertEquals(text.includes("<domain>"), false);
});

Deno.test("formatText() colours severities when asked to", () => {
  const text = formatText([STALE], { colour: true });
  assertStringIncludes(text, "\x1b[31mFAIL\x1b[0m");
  assertStringIncludes(text, "\x1b[32mok  \x1b[0m");
});

Deno.test("formatChanges() tells what is new and what is gone, and nothing otherwise", () => {
  const before = STALE.remembered;
  assertEquals(formatChanges("example.com", changes(before, STALE.findings)), "");
  const text = formatChanges("example.com", changes(before, TESTED.findings));
  const lines = text.split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[0] ?? "", /^example\.com: new {2}WARN _smtp\._tls\..* \[tlsrpt-missing\]$/);
  assertMatch(lines[1] ?? "", /^example\.com: gone .* \[certificate-expired\]$/);
});

Deno.test("formatJson() keeps to its schema, whatever the fault", async () => {
  const schema = JSON.parse(Deno.readTextFileSync(SCHEMA));
  const names = ["no MTA-STS at all", "domain does not exist for MX", "policy host down"];
  const reports = [HEALTHY, STALE, TESTED, ...await Promise.all(names.map(report))];
  const root = JSON.parse(formatJson(reports, RUN));
  assertEquals(violations(root, schema), []);
  assertEquals(root.verdict, "error");
  assertEquals(root.domains.length, 6);
  assertEquals(root.domains[0].facts.mxHosts[0].addresses[0].result, "verified");
  // The validator does see departures.
  assertEquals(violations({ ...root, verdict: "info", extra: 1 }, schema).length, 2);
  delete root.domains[0].findings[0].why;
  assertEquals(violations(root, schema).length, 1);
});

Deno.test("formatJson() is ASCII, however a certificate calls its issuer", () => {
  const facts = {
    mxHosts: [{
      name: "mx.example.com",
      preference: 0,
      tlsaRecords: 0,
      addresses: [{ address: "192.0.2.1", result: "verified", issuer: "\u202eÜ\x9b\x7f" } as const],
    }],
  };
  const text = formatJson([{ ...HEALTHY, facts }], RUN);
  assertMatch(text, /^[\n -~]*$/);
  assertEquals(JSON.parse(text).domains[0].facts, facts);
});

/** What the plugin guidelines allow behind the bar. */
const PERFORMANCE = /^(?:'[^'=|]+'|[^ '=|]+)=-?[0-9.]+(?:s|%|B|c)?(?:;[-0-9.:~@]*){0,4}$/;

Deno.test("formatNagios() keeps to the plugin guidelines", () => {
  for (
    const [reports, word, exit] of [
      [[HEALTHY], "OK", 0],
      [[TESTED], "WARNING", 1],
      [[STALE], "CRITICAL", 2],
      [[HEALTHY, TESTED, STALE], "CRITICAL", 2],
      [[{ ...STALE, undecided: true }], "UNKNOWN", 3],
      [[{ ...STALE, undecided: true }, TESTED], "UNKNOWN", 3],
      [[{ ...STALE, undecided: true }, STALE], "CRITICAL", 2],
    ] as const
  ) {
    const result = formatNagios(reports, RUN);
    assertEquals(result.exit, exit);
    const [first = "", ...rest] = result.text.split("\n");
    assert(first.startsWith(`MTA-STS ${word}: example.com: `), first);
    const [, numbers = "", ...more] = first.split(" | ");
    assertEquals(more, []);
    for (const number of numbers.split(" ")) assertMatch(number, PERFORMANCE);
    assertEquals(rest.join().includes("|"), false);
  }
});

Deno.test("formatNagios() counts faults and the days of the certificate that ends first", () => {
  const { text } = formatNagios([HEALTHY, TESTED], {
    ...RUN,
    time: Date.parse(HEALTHY.facts.mxHosts[0]?.addresses[0]?.notAfter ?? "") - 3.5 * 86_400_000,
  });
  assertStringIncludes(text, " | errors=0;;0;0 warnings=1;0;;0 certificate_days=3;7:;0: time=1.2");
});

Deno.test("formatNagios() stays within what NRPE hands on, and keeps bars out of the text", () => {
  const long = Array.from(
    { length: 200 },
    (_, index) =>
      finding("mx-not-in-policy", { group: "mx", subject: `mx${index}|`, seen: "x".repeat(50) }),
  );
  const { text } = formatNagios([{ ...STALE, findings: long }], RUN);
  assert(text.length <= 4096);
  assertEquals(text.split("|").length, 2);
  assertEquals(formatUnknown("a|b\nc"), { text: "MTA-STS UNKNOWN: a/b c\n", exit: 3 });
});

Deno.test("formatHtml() is one page without anything from outside, every word of others escaped", () => {
  const seen = '"<script>alert(1)</script>" & \'\x1b\u202e';
  const findings = [
    finding("txt-syntax", { group: "txt", subject: "<b>", seen }),
    ...STALE.findings,
  ];
  const page = formatHtml([{ ...STALE, findings }, HEALTHY], RUN);
  assertNotMatch(page, /<script|<b>"|src=|href="[^#]|@import|url\(/);
  assertStringIncludes(
    page,
    "&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot; &amp; &#39;\\u001b\\u202e",
  );
  assertEquals(page.includes("\x1b") || page.includes("\u202e"), false);
  assertStringIncludes(page, "prefers-color-scheme: dark");
  assertStringIncludes(page, "default-src 'none'");
});

Deno.test("formatHtml() closes what it opens", () => {
  const open: string[] = [];
  const page = formatHtml([STALE, HEALTHY], RUN).replace(/<style>.*<\/style>/s, "");
  for (const [, slash, name = ""] of page.matchAll(/<(\/?)([a-z0-9]+)(?:\s[^>]*)?>/g)) {
    if (["meta"].includes(name)) continue;
    if (slash === "") open.push(name);
    else assertEquals(open.pop(), name);
  }
  assertEquals(open, []);
});
