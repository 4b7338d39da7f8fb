/**
 * A report as it goes out: the file, and the mail around it (RFC 8460 §5.1 to §5.3).
 *
 * The same report gives the same file, and to the same address the same Message-ID: a receiver that gets it twice can
 * tell.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { formatMailbox, mailDomain } from "../mail/address.ts";
import { composeMessage, formatDate, type Message } from "../mail/compose.ts";
import type { Report } from "../tlsrpt/report.ts";
import { writeReport } from "../tlsrpt/write_report.ts";
import { writeReportText } from "./report_text.ts";

/** The media type of a compressed report (RFC 8460 §6.5). */
export const REPORT_TYPE = "application/tlsrpt+gzip";

/** Hex digits of an address in a Message-ID. */
const ADDRESS_DIGITS = 8;

/** The report as a compressed file. */
export function packReport(report: Report): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(gzipSync(writeReport(report)));
}

/** The name of the file (RFC 8460 §5.1): who, for whom, first and last second, and what makes it unique. */
export function reportFileName({ contact, domain, begin, end, reportId }: Report): string {
  const unique = reportId.replaceAll(/[^A-Za-z0-9]/g, "");
  const submitter = mailDomain(contact);
  return `${submitter}!${domain}!${begin / 1000}!${end / 1000}!${unique}.json.gz`;
}

/**
 * The mail with a report, not signed yet.
 *
 * `TLS-Required: No` (RFC 8689) lets it through although TLS fails, as RFC 8460 §3 demands, and keeps Postfix from
 * counting its session.
 *
 * @param options `to`: the address; `time`: the date, ms.
 */
export function composeReportMail(
  report: Report,
  { to, time }: { readonly to: string; readonly time: number },
): Message {
  const { organization, contact, domain, reportId } = report;
  const submitter = mailDomain(contact);
  const address = createHash("sha256").update(to).digest("hex").slice(0, ADDRESS_DIGITS);
  return composeMessage({
    headers: [
      ["From", formatMailbox(organization, contact)],
      ["To", `<${to}>`],
      ["Date", formatDate(time)],
      ["Message-ID", `<${reportId}.${address}@${submitter}>`],
      [
        "Subject",
        `Report Domain: ${domain}\r\n Submitter: ${submitter}\r\n Report-ID: <${reportId}@${submitter}>`,
      ],
      ["TLS-Report-Domain", domain],
      ["TLS-Report-Submitter", submitter],
      ["TLS-Required", "No"],
      ["Auto-Submitted", "auto-generated"],
    ],
    reportType: "tlsrpt",
    // Nobody else can foresee the id, so no text of another server can contain it.
    boundary: `=_${reportId}`,
    text: writeReportText(report),
    file: { type: REPORT_TYPE, name: reportFileName(report), content: packReport(report) },
  });
}
