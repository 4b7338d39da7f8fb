/**
 * Mails with reports, as senders write them.
 *
 * @module
 */

import { gzipSync } from "node:zlib";

/** What may differ from a mail that is right. */
export interface MailOptions {
  readonly mediaType?: string;
  readonly fileName?: string;
  readonly octets?: Uint8Array;
  readonly subject?: string;
  /** In place of the headers about report, signature and MIME. */
  readonly headers?: readonly string[];
}

/** The headers of a mail that is right. */
export const HEADERS: readonly string[] = [
  "TLS-Report-Domain: a.test",
  "TLS-Report-Submitter: sender.test",
  "Message-ID: <1@sender.test>",
  "DKIM-Signature: v=1; a=rsa-sha256; d=sender.test; s=x; b=AAAA;",
  " h=From:To:TLS-Report-Domain:TLS-Report-Submitter",
  "MIME-Version: 1.0",
  'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"',
];

/** A mail with a report in it. */
export function composeReport(report: string, options: MailOptions = {}): Uint8Array<ArrayBuffer> {
  const {
    mediaType = "application/tlsrpt+gzip",
    fileName = "sender.test!a.test!1795737600!1795823999.json.gz",
    octets = gzipSync(report),
    subject = "Report Domain: a.test\r\n Submitter: sender.test\r\n Report-ID: <20261127.a.test@x>",
    headers = HEADERS,
  } = options;
  const base64 = (new Uint8Array(octets).toBase64().match(/.{1,76}/g) ?? []).join("\r\n");
  const lines = [
    "Return-Path: <noreply@sender.test>",
    "From: Reports <noreply@sender.test>",
    "To: tls@a.test",
    `Subject: ${subject}`,
    ...headers,
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "This is a TLS report.",
    "--b",
    `Content-Type: ${mediaType}; name="${fileName}"`,
    `Content-Disposition: attachment; filename="${fileName}"`,
    "Content-Transfer-Encoding: base64",
    "",
    base64,
    "--b--",
    "",
  ];
  return new TextEncoder().encode(lines.join("\r\n"));
}
