import { assertEquals } from "@std/assert";
import {
  formatHostRecords,
  formatTxtLine,
  freshId,
  readReportUri,
} from "../../src/publish/records.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

Deno.test("freshId() is the time in UTC, and another one than the current id (RFC 8461 §3.1)", () => {
  assertEquals(freshId(NOW), "20260102030405");
  assertEquals(freshId(NOW, "1"), "20260102030405");
  assertEquals(freshId(NOW, "20260102030405"), "20260102030406");
});

Deno.test("formatTxtLine() prints a line of a zone file (RFC 8461 §3.1)", () => {
  assertEquals(
    formatTxtLine("a.example", "1"),
    '_mta-sts.a.example. IN TXT "v=STSv1; id=1;"',
  );
});

Deno.test("formatHostRecords() prints lines of a zone file", () => {
  const options = { domain: "a.example" };
  assertEquals(formatHostRecords({ ...options, reportUri: "mailto:tls@a.example" }), [
    "mta-sts.a.example. IN CNAME WEB-SERVER.EXAMPLE.",
    '_smtp._tls.a.example. IN TXT "v=TLSRPTv1; rua=mailto:tls@a.example"',
  ]);
  const hostLine = (webHost: string) => formatHostRecords({ ...options, webHost })[0];
  assertEquals(hostLine("web.b.example"), "mta-sts.a.example. IN CNAME web.b.example.");
  assertEquals(hostLine("192.0.2.1"), "mta-sts.a.example. IN A 192.0.2.1");
  assertEquals(hostLine("2001:db8::1"), "mta-sts.a.example. IN AAAA 2001:db8::1");
});

Deno.test("readReportUri() takes mail addresses and https URIs (RFC 8460 §3)", () => {
  assertEquals(readReportUri("tls+r@A.Example"), "mailto:tls+r@a.example");
  assertEquals(readReportUri("mailto:tls@a.example"), "mailto:tls@a.example");
  assertEquals(readReportUri("https://a.example:8443/r?x=1"), "https://a.example:8443/r?x=1");
  for (
    const text of [
      "",
      "a",
      "@a.example",
      "a@",
      "a@b@c.example",
      "http://a.example",
      "https://a.example/,x",
      "https://a.example/;x",
      'https://a.example/"x',
      "https://a.example/x y",
      "mailto:a!b@a.example",
      'a"b@a.example',
      `https://a.example/${"x".repeat(230)}`,
    ]
  ) assertEquals(readReportUri(text), undefined, text);
});
