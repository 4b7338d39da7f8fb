import { assertEquals } from "@std/assert";
import { Deviations } from "../../src/tlsrpt/deviation.ts";
import {
  fileNameDomain,
  findReportPart,
  judgeMail,
  mailDomain,
  type MailPart,
  type ReportMail,
} from "../../src/tlsrpt/report_mail.ts";

const JSON_OCTETS = new TextEncoder().encode("{}");
const GZIP_OCTETS = new Uint8Array([0x1f, 0x8b, 8]);

const GOOD: Readonly<Record<string, string>> = {
  "content-type": 'multipart/report; report-type="tlsrpt"; boundary=b',
  "tls-report-domain": "a.test",
  "tls-report-submitter": "sender.test",
  "message-id": "<1@sender.test>",
  "dkim-signature":
    "v=1; a=rsa-sha256; d=sender.test; s=x; h=From:TLS-Report-Domain: TLS-Report-Submitter; b=A=",
};

const SUBJECT = "Report Domain: a.test Submitter: sender.test Report-ID: <id.1@sender.test>";

function part(mediaType: string, octets = GZIP_OCTETS, fileName?: string): MailPart {
  return { mediaType, octets, fileName };
}

/** The codes of a mail that is right but for `changed`. */
function judge(
  changed: Readonly<Record<string, string | undefined>> = {},
  { subject = SUBJECT, label = "application/tlsrpt+gzip", octets = GZIP_OCTETS, id = "id.1" } = {},
): string[] {
  const headers: Record<string, string | undefined> = { ...GOOD, ...changed };
  const mail: ReportMail = {
    headers: (name) => headers[name]?.split("\n") ?? [],
    subject,
    parts: [],
  };
  const deviations = new Deviations();
  judgeMail(mail, { part: part(label, octets), reportId: id, deviations });
  return deviations.list().map(({ code }) => code);
}

Deno.test("judgeMail() finds nothing in a mail as the RFC wants it", () => {
  assertEquals(judge(), []);
  assertEquals(judge({}, { id: "id.1@sender.test" }), []);
});

Deno.test("judgeMail(): Q12, the subject has another report-id, or none in the form of the RFC", () => {
  assertEquals(judge({}, { id: "2026-11-27T00:00:00Z_a.test" }), ["subject-id-other"]);
  assertEquals(judge({}, { subject: "Report Domain: a.test Report-ID: 12+a.test" }), [
    "subject-form",
  ]);
  assertEquals(judge({}, { subject: "" }), ["subject-form"]);
});

Deno.test("judgeMail(): Q14, Message-ID under the domain of the recipient, headers not signed", () => {
  assertEquals(judge({ "message-id": "<x@A.TEST>" }), ["message-id-domain"]);
  assertEquals(judge({ "dkim-signature": "v=1; d=sender.test; h=From:To; b=A" }), [
    "headers-unsigned",
  ]);
  assertEquals(judge({ "dkim-signature": undefined }), ["dkim-missing"]);
  assertEquals(judge({ "dkim-signature": `${GOOD["dkim-signature"]}; l=10` }), ["dkim-length"]);
  const second = `v=1; h=From; b=A\n${GOOD["dkim-signature"]}`;
  assertEquals(judge({ "dkim-signature": second }), []);
  assertEquals(judge({ "tls-report-submitter": undefined }), ["headers-missing"]);
});

Deno.test("judgeMail(): Q15, media types of other kinds, and labels that are wrong", () => {
  for (const label of ["application/tlsrpt", "application/tlsrpt+zip", "application/gzip"]) {
    assertEquals(judge({}, { label }), ["media-type"]);
  }
  assertEquals(judge({}, { octets: JSON_OCTETS }), ["media-type-content"]);
  assertEquals(judge({}, { label: "application/tlsrpt+json", octets: JSON_OCTETS }), []);
  assertEquals(judge({ "content-type": "multipart/mixed; boundary=b" }), ["not-multipart-report"]);
  assertEquals(judge({ "content-type": "multipart/reporter; report-type=tlsrpt" }), [
    "not-multipart-report",
  ]);
});

Deno.test("findReportPart(): the media type first, then the file name, then the content", () => {
  const image = part("image/png", new Uint8Array([0x89]));
  const typed = part("application/tlsrpt+gzip");
  const named = part("application/octet-stream", GZIP_OCTETS, "a!b!1!2.JSON.gz");
  const bare = part("application/octet-stream", JSON_OCTETS);
  assertEquals(findReportPart([image, bare, named, typed]), typed);
  assertEquals(findReportPart([image, bare, named]), named);
  assertEquals(findReportPart([image, bare]), bare);
  assertEquals(findReportPart([image]), undefined);
});

Deno.test("the domain of a report in a header and in a file name", () => {
  const mail = (domain?: string): ReportMail => ({
    headers: () => domain === undefined ? [] : [domain],
    subject: undefined,
    parts: [],
  });
  assertEquals(mailDomain(mail(" A.Test\t")), "a.test");
  assertEquals(mailDomain(mail("a test")), undefined);
  assertEquals(mailDomain(mail()), undefined);
  assertEquals(fileNameDomain("/var/x/sender.test!A.test!1!2!u.json.gz"), "a.test");
  assertEquals(fileNameDomain("sender.test!a.test.json"), undefined);
  assertEquals(fileNameDomain("x!../..!1!2.json"), undefined);
});
