/**
 * The mail with a report, read back (RFC 8460 §5.1 to §5.3).
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { composeReportMail, packReport, reportFileName } from "../../src/deliver/report_mail.ts";
import { writeReportText } from "../../src/deliver/report_text.ts";
import { formatMessage, type Message } from "../../src/mail/compose.ts";
import type { FailureDetail } from "../../src/tlsrpt/report.ts";
import { RESULT_TYPES } from "../../src/tlsrpt/result_type.ts";
import { writeReport } from "../../src/tlsrpt/write_report.ts";
import { makeReport } from "../fakes/delivery_queue.ts";

const TIME = Date.UTC(2026, 0, 2, 3);

/** Header fields, unfolded, and the parts with theirs. */
function parse(message: Message) {
  const readHead = (text: string) =>
    new Map(
      text.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n").map((line) => {
        const at = line.indexOf(": ");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 2)] as const;
      }),
    );
  const split = (text: string) => {
    const at = text.indexOf("\r\n\r\n");
    return { head: readHead(text.slice(0, at)), body: text.slice(at + 4) };
  };
  const { head, body } = split(formatMessage(message));
  const boundary = /boundary="([^"]+)"/.exec(head.get("content-type") ?? "")?.[1];
  const [before, ...parts] = body.split(`--${boundary}`);
  assertEquals([before, parts.pop()], ["", "--\r\n"]);
  return { head, parts: parts.map((part) => split(part.slice(2))) };
}

Deno.test("a report mail is a multipart/report with a text and the report, from the submitter", () => {
  const report = makeReport("a.test");
  const { head, parts } = parse(composeReportMail(report, { to: "r@a.test", time: TIME }));
  assertEquals(Object.fromEntries(head), {
    from: '"Example Ltd." <tls@example.com>',
    to: "<r@a.test>",
    date: "Fri, 02 Jan 2026 03:00:00 +0000",
    "message-id": head.get("message-id")!,
    subject:
      `Report Domain: a.test Submitter: example.com Report-ID: <${report.reportId}@example.com>`,
    "tls-report-domain": "a.test",
    "tls-report-submitter": "example.com",
    "tls-required": "No",
    "auto-submitted": "auto-generated",
    "mime-version": "1.0",
    "content-type": `multipart/report; report-type="tlsrpt"; boundary="=_${report.reportId}"`,
  });
  const [text, file] = parts;
  assertEquals(parts.length, 2);
  assertEquals(text!.head.get("content-type"), "text/plain; charset=us-ascii");
  assertEquals(file!.head.get("content-type"), "application/tlsrpt+gzip");
  assertEquals(
    file!.head.get("content-disposition"),
    `attachment; filename="${reportFileName(report)}"`,
  );
  const octets = Uint8Array.fromBase64(file!.body);
  assertEquals(new TextDecoder().decode(gunzipSync(octets)), writeReport(report));
});

Deno.test("the name of the file is that of RFC 8460 §5.1, with letters and digits as unique id", () => {
  assertEquals(
    reportFileName({ ...makeReport("a.test"), reportId: "20260101.0123456789abcdef" }),
    "example.com!a.test!1767225600!1767311999!202601010123456789abcdef.json.gz",
  );
});

Deno.test("the same report is the same file, and to one address the same message", () => {
  const report = makeReport("a.test");
  assertEquals(packReport(report), packReport(report));
  const idOf = (to: string, time: number) =>
    parse(composeReportMail(report, { to, time })).head.get("message-id");
  assertEquals(idOf("r@a.test", TIME), idOf("r@a.test", TIME + 1000));
  assertNotEquals(idOf("r@a.test", TIME), idOf("s@a.test", TIME));
});

Deno.test("the text names each failure in words, in lines that cannot be taken for the end of a part", () => {
  const details: FailureDetail[] = RESULT_TYPES.map((result, index) => ({
    result,
    count: index + 1,
    mxHost: "--=_x",
    reason: "a\r\n--=_x",
  }));
  const report = makeReport("a.test", { details, successful: 5, failed: 66 });
  const { parts } = parse(composeReportMail(report, { to: "r@a.test", time: TIME }));
  assertEquals(parts.length, 2);
  const lines = parts[0]!.body.split("\r\n");
  assertEquals(lines.slice(0, 5), [
    "TLS report (RFC 8460) on mail to a.test",
    "",
    "Day:      2026-01-01 (UTC)",
    "Sessions: 5 succeeded, 66 failed",
    "From:     Example Ltd., tls@example.com",
  ]);
  assert(lines.some((line) => line === "MTA-STS policy of a.test: 5 succeeded, 66 failed"));
  for (const count of details.map((detail) => detail.count)) {
    assert(lines.some((line) => new RegExp(`^ {2}${count} x [A-Z].*\\.$`).test(line)), `${count}`);
  }
  for (const line of lines) assert(!line.startsWith("--") && line.length < 998);
});

Deno.test("the text is short however much a report has", () => {
  const details: FailureDetail[] = Array.from({ length: 100 }, (_, index) => ({
    result: "validation-failure",
    count: 1,
    reason: `${index}`,
  }));
  const report = makeReport("a.test", { details });
  const [policy] = report.policies;
  const text = writeReportText({ ...report, policies: Array(50).fill(policy) });
  assert(text.length < 50_000);
  assert(text.includes("And 80 more kinds of failure."));
  assert(text.includes("And 30 more policies."));
});
