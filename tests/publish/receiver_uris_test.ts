import { assertEquals } from "@std/assert";
import { hostOfCertificate, proposeReportUris } from "../../src/publish/receiver_uris.ts";
import { readReportUri } from "../../src/publish/records.ts";
import { createCertificate } from "../fakes/certificates.ts";

Deno.test("proposeReportUris() leads to what the receiver has, signed mail first", () => {
  const both = proposeReportUris("a.example", {
    maildir: "/var/mail/tls",
    token: "s3cret",
    host: "reports.a.example",
  });
  assertEquals(both, {
    rua: "mailto:tls-reports@a.example,https://reports.a.example/s3cret",
    remarks: [
      "Deliver mail to tls-reports@a.example into /var/mail/tls, where 'report receive' reads it.",
    ],
  });
  for (const uri of both.rua!.split(",")) assertEquals(readReportUri(uri), uri);
  const unnamed = proposeReportUris("a.example", {
    maildir: undefined,
    token: "t",
    host: undefined,
  });
  assertEquals(unnamed, {
    rua: "https://REPORT-HOST.EXAMPLE/t",
    remarks: [
      "Replace REPORT-HOST.EXAMPLE with the name of your report host, which is not in the configuration.",
    ],
  });
  const none = { maildir: undefined, token: undefined, host: "x.example" };
  assertEquals(proposeReportUris("a.example", none), { rua: undefined, remarks: [] });
});

Deno.test("hostOfCertificate() finds the first name that is a host name", () => {
  const pemOf = (dns: string[]) => createCertificate({ subject: "x", dns }).certPem;
  assertEquals(
    hostOfCertificate(pemOf(["*.a.example", "Reports.a.example", "b.example"])),
    "reports.a.example",
  );
  assertEquals(hostOfCertificate(pemOf(["*.a.example"])), undefined);
  assertEquals(hostOfCertificate("no certificate"), undefined);
});
