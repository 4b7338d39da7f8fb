import { assertEquals } from "@std/assert";
import { formatMailbox, mailDomain } from "../../src/mail/address.ts";
import { composeMessage, formatDate, formatMessage } from "../../src/mail/compose.ts";

Deno.test("composeMessage() makes ASCII with short lines, whatever the text has", () => {
  const message = composeMessage({
    headers: [["From", "a@example.com"]],
    reportType: "tlsrpt",
    boundary: "=_b",
    text: `one\ntwo \u00e9\r\x00\n${"x".repeat(2000)}`,
    file: { type: "application/x", name: "n", content: new Uint8Array(100) },
  });
  const lines = formatMessage(message).split("\r\n");
  assertEquals(lines.slice(0, 12), [
    "From: a@example.com",
    "MIME-Version: 1.0",
    'Content-Type: multipart/report; report-type="tlsrpt";',
    ' boundary="=_b"',
    "",
    "--=_b",
    "Content-Type: text/plain; charset=us-ascii",
    "Content-Transfer-Encoding: 7bit",
    "",
    "one",
    "two ???",
    "x".repeat(998),
  ]);
  assertEquals(lines.slice(-5), ["", "A".repeat(76), `${"A".repeat(58)}==`, "--=_b--", ""]);
});

Deno.test("dates and mailboxes are those of RFC 5322", () => {
  assertEquals(formatDate(Date.UTC(2026, 10, 1, 3, 4, 5)), "Sun, 01 Nov 2026 03:04:05 +0000");
  assertEquals(
    formatMailbox('A "b" \\ \r\nC', "a@example.com"),
    '"A \\"b\\" \\\\ ??C" <a@example.com>',
  );
  assertEquals(mailDomain("a@example.com"), "example.com");
});
