/**
 * The mail around a report (RFC 8460 §5.3): which part is the report, and where the mail departs from the RFC.
 *
 * Headers count for nothing beside the report itself (§5.3), and no signature is verified here.
 *
 * @module
 */

import { toDomainName } from "../sts/domain.ts";
import type { Deviations } from "./deviation.ts";
import { containerOf } from "./unpack.ts";

/** A part of a mail. */
export interface MailPart {
  /** Media type in lower case, without parameters. */
  readonly mediaType: string;
  /** As the sender wrote it. */
  readonly fileName: string | undefined;
  /** Decoded. */
  readonly octets: Uint8Array;
}

/** A mail, as far as it matters here. */
export interface ReportMail {
  /** All values of a header. @param name In lower case. */
  headers(name: string): readonly string[];
  /** Decoded. */
  readonly subject: string | undefined;
  /** Parts other than the text. */
  readonly parts: readonly MailPart[];
}

const MEDIA_TYPE = /^application\/tlsrpt(?:\+[a-z]+)?$/;
const FILE_NAME = /\.json(?:\.gz)?$/i;

/** Octets of a header that are looked at. */
const HEADER_MAX_CHARS = 4096;

/**
 * The part with the report: the first of a type `application/tlsrpt…`, else the first whose file name ends in `.json`
 * or `.json.gz`, else the first that is gzip or JSON.
 */
export function findReportPart(parts: readonly MailPart[]): MailPart | undefined {
  return parts.find(({ mediaType }) => MEDIA_TYPE.test(mediaType)) ??
    parts.find(({ fileName = "" }) => FILE_NAME.test(fileName)) ??
    parts.find(({ octets }) => containerOf(octets) === "gzip" || containerOf(octets) === "json");
}

/** The domain that the mail says the report is for; `undefined` if it does not say so. */
export function mailDomain(mail: ReportMail): string | undefined {
  const [written] = header(mail, "tls-report-domain");
  return written === undefined ? undefined : domainIn(written);
}

/**
 * The domain that a file name says the report is for (RFC 8460 §5.1): `submitter!domain!begin!end.json.gz`.
 *
 * @param name With or without directories.
 */
export function fileNameDomain(name: string): string | undefined {
  const [, written] = /(?:^|\/)[^!/]+!([^!/]+)![0-9]+![0-9]+[^/]*$/.exec(name) ?? [];
  return written === undefined ? undefined : domainIn(written);
}

function domainIn(text: string): string | undefined {
  return toDomainName(text.replaceAll(/^[ \t]+|[ \t]+$/g, ""));
}

/** What {@link judgeMail} needs beside the mail. */
export interface JudgeMailOptions {
  /** The part with the report. */
  readonly part: MailPart;
  /** The report-id of the report. */
  readonly reportId: string | undefined;
  /** Takes what is found. */
  readonly deviations: Deviations;
}

/** Notes where a mail departs from RFC 8460 §3 and §5.3. */
export function judgeMail(mail: ReportMail, options: JudgeMailOptions): void {
  const { deviations } = options;
  judgeMediaType(options.part, deviations);
  const [type = ""] = header(mail, "content-type");
  if (!/^multipart\/report(?=[; \t]|$)/i.test(type) || !/report-type="?tlsrpt"?/i.test(type)) {
    deviations.add("not-multipart-report", "mail");
  }
  const names = ["tls-report-domain", "tls-report-submitter"];
  if (names.some((name) => header(mail, name).length === 0)) {
    deviations.add("headers-missing", "mail");
  }
  judgeSignatures(header(mail, "dkim-signature"), { names, deviations });
  judgeMessageId(mail, deviations);
  judgeSubject(mail.subject ?? "", options);
}

function header(mail: ReportMail, name: string): string[] {
  return mail.headers(name).map((value) => value.slice(0, HEADER_MAX_CHARS));
}

function judgeMediaType({ mediaType, octets }: MailPart, deviations: Deviations): void {
  const [, label] = /^application\/tlsrpt\+(gzip|json)$/.exec(mediaType) ?? [];
  if (label === undefined) deviations.add("media-type", "mail");
  else if (label !== containerOf(octets)) deviations.add("media-type-content", "mail");
}

/** Tags of the signatures as they are written; whether they are valid is another question. */
function judgeSignatures(
  signatures: readonly string[],
  { names, deviations }: { readonly names: readonly string[]; readonly deviations: Deviations },
): void {
  if (signatures.length === 0) {
    deviations.add("dkim-missing", "mail");
    return;
  }
  const tags = signatures.map((signature) =>
    new Map(
      signature.split(";").map((tag) => {
        const [name = "", ...value] = tag.replaceAll(/[ \t\r\n]/g, "").split("=");
        return [name, value.join("=")] as const;
      }),
    )
  );
  const signed = tags.some((one) => {
    const headers = one.get("h")?.toLowerCase().split(":") ?? [];
    return names.every((name) => headers.includes(name));
  });
  if (!signed) deviations.add("headers-unsigned", "mail");
  if (tags.some((one) => one.has("l"))) deviations.add("dkim-length", "mail");
}

function judgeMessageId(mail: ReportMail, deviations: Deviations): void {
  const domain = mailDomain(mail);
  const [id = ""] = header(mail, "message-id");
  const [, host] = /@([^@> \t]+)>/.exec(id) ?? [];
  if (domain !== undefined && host !== undefined && toDomainName(host) === domain) {
    deviations.add("message-id-domain", "mail");
  }
}

/** The Report-ID of the subject is `<left@right>`, and the one of the report its left part or all of it. */
function judgeSubject(subject: string, { reportId, deviations }: JudgeMailOptions): void {
  const [, inSubject] = /Report-ID: *<([^<>@ ]+@[^<>@ ]+)>/i.exec(subject.slice(0, 1000)) ?? [];
  if (inSubject === undefined) deviations.add("subject-form", "mail");
  else if (reportId !== undefined && inSubject !== reportId) {
    const [left] = inSubject.split("@");
    if (left !== reportId) deviations.add("subject-id-other", "mail");
  }
}
