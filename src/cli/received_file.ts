/**
 * A file with a report of somebody else: a mail, JSON or gzip, by its content.
 *
 * @module
 */

import { MAIL_MAX_OCTETS, readMail } from "../mail/read_mime.ts";
import { UsageError } from "../config/usage_error.ts";
import { type Deviation, Deviations } from "../tlsrpt/deviation.ts";
import { fileNameDomain, findReportPart, judgeMail, mailDomain } from "../tlsrpt/report_mail.ts";
import { readReport, REPORT_FAULTS } from "../tlsrpt/read_report.ts";
import type { ReceivedReport } from "../tlsrpt/received.ts";
import { containerOf } from "../tlsrpt/unpack.ts";
import { readNamedFile } from "./arguments.ts";

const MAIL_FAULTS = {
  "too-large": "a mail of more than 8 MiB or 100,000 lines",
  "no-mail": "it is neither JSON nor gzip nor a mail, or a mail with too many headers or levels",
} as const;

/** What a file was. */
export type FileKind = "mail" | "gzip" | "json";

/** The mail that a report came in. Nothing about it is verified. */
export interface MailAround {
  readonly from: string | undefined;
  readonly subject: string | undefined;
}

/** What a file holds. */
export type ReceivedFile =
  & {
    /** As the operator named it; `-` is standard input. */
    readonly file: string;
    /** The mail, if it was one. */
    readonly mail?: MailAround;
  }
  & (
    | {
      readonly kind: FileKind;
      readonly report: ReceivedReport;
      readonly deviations: readonly Deviation[];
    }
    | {
      readonly kind: "refused";
      /** One word. */
      readonly fault: string;
      /** Why, as the end of a sentence. Constant text. */
      readonly text: string;
    }
  );

/**
 * Reads a file, or standard input for `-`.
 *
 * @throws {UsageError} If it cannot be read, or has more than 8 MiB.
 */
export async function readInput(path: string): Promise<Uint8Array> {
  if (path !== "-") return await readNamedFile(path, MAIL_MAX_OCTETS);
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of Deno.stdin.readable) {
    octets += piece.length;
    if (octets > MAIL_MAX_OCTETS) {
      throw new UsageError(`standard input is larger than ${MAIL_MAX_OCTETS} bytes`);
    }
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Finds the report in the octets of a file. Never rejects. */
export async function readReceived(file: string, octets: Uint8Array): Promise<ReceivedFile> {
  const container = containerOf(octets);
  if (container === "other" && octets.length > 0) return await readReceivedMail(file, octets);
  const reading = readReport(octets, { domain: fileNameDomain(file) });
  if (reading.kind === "refused") {
    const { fault } = reading;
    return { kind: "refused", file, fault, text: REPORT_FAULTS[fault] };
  }
  return { ...reading, kind: container === "gzip" ? "gzip" : "json", file };
}

async function readReceivedMail(file: string, octets: Uint8Array): Promise<ReceivedFile> {
  const received = await readMail(octets);
  if (received.kind === "refused") {
    const { fault } = received;
    return { kind: "refused", file, fault, text: MAIL_FAULTS[fault] };
  }
  const { mail } = received;
  const around = { file, mail: { from: mail.from, subject: mail.subject } };
  const part = findReportPart(mail.parts);
  if (part === undefined) {
    return { ...around, kind: "refused", fault: "no-report", text: "the mail has no report in it" };
  }
  const domain = mailDomain(mail) ?? fileNameDomain(part.fileName ?? "");
  const reading = readReport(part.octets, { domain });
  if (reading.kind === "refused") {
    return {
      ...around,
      ...reading,
      text: `the report in the mail: ${REPORT_FAULTS[reading.fault]}`,
    };
  }
  const deviations = new Deviations();
  judgeMail(mail, { part, reportId: reading.report.reportId, deviations });
  return {
    ...around,
    kind: "mail",
    report: reading.report,
    deviations: [...reading.deviations, ...deviations.list()],
  };
}
