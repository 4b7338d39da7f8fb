/**
 * Finds the report in received octets, which may be a mail, JSON or gzip, by content. What it says is only a claim;
 * `admission.ts` decides whether it is believed.
 *
 * @module
 */

import { readMail } from "../mail/read_mime.ts";
import { type Deviation, Deviations } from "../tlsrpt/deviation.ts";
import { fileNameDomain, findReportPart, judgeMail, mailDomain } from "../tlsrpt/report_mail.ts";
import { readReport, REPORT_FAULTS } from "../tlsrpt/read_report.ts";
import type { ReceivedReport } from "../tlsrpt/received.ts";
import { containerOf } from "../tlsrpt/unpack.ts";

const MAIL_FAULTS = {
  "too-large": "a mail of more than 8 MiB or 100,000 lines, or with base64 in too many pieces",
  "no-mail": "it is neither JSON nor gzip nor a mail, or a mail with too many headers or levels",
} as const;

/** What octets were. */
export type ArrivalKind = "mail" | "gzip" | "json";

/** The mail that a report came in. Nothing about it is verified. */
export interface MailAround {
  /** The address in From. */
  readonly from: string | undefined;
  /** Decoded. */
  readonly subject: string | undefined;
}

/** What octets hold. */
export type ArrivalReading =
  & {
    /** The mail, if it was one. */
    readonly mail?: MailAround;
  }
  & (
    | {
      readonly kind: ArrivalKind;
      readonly report: ReceivedReport;
      readonly deviations: readonly Deviation[];
      /** The report as it came, JSON or gzip. */
      readonly octets: Uint8Array;
      /** The domain that it is for, as a header or file name says; lower-case A-labels. */
      readonly domain: string | undefined;
    }
    | {
      readonly kind: "refused";
      /** One word. */
      readonly fault: string;
      /** Why, as the end of a sentence. Constant text. */
      readonly text: string;
    }
  );

/** What {@link readArrival} may know. */
export interface ReadArrivalOptions {
  /** A file name, which may say which domain the report is for. */
  readonly fileName?: string | undefined;
  /** Whether a report counts that is in a mail inside the mail. @default {true} */
  readonly opensForwarded?: boolean;
  /** Whether the header `TLS-Report-Domain` says which domain the report is for. @default {true} */
  readonly heedsHeader?: boolean;
}

/** Finds the report. Never rejects. */
export async function readArrival(
  octets: Uint8Array,
  options: ReadArrivalOptions = {},
): Promise<ArrivalReading> {
  const container = containerOf(octets);
  if (container === "other" && octets.length > 0) return await readMailArrival(octets, options);
  const domain = fileNameDomain(options.fileName ?? "");
  const reading = readReport(octets, { domain });
  if (reading.kind === "refused") {
    const { fault } = reading;
    return { kind: "refused", fault, text: REPORT_FAULTS[fault] };
  }
  return { ...reading, kind: container === "gzip" ? "gzip" : "json", octets, domain };
}

async function readMailArrival(
  octets: Uint8Array,
  { opensForwarded = true, heedsHeader = true }: ReadArrivalOptions,
): Promise<ArrivalReading> {
  const received = await readMail(octets, { opensForwarded });
  if (received.kind === "refused") {
    const { fault } = received;
    return { kind: "refused", fault, text: MAIL_FAULTS[fault] };
  }
  const { mail } = received;
  const around = { mail: { from: mail.from, subject: mail.subject } };
  const part = findReportPart(mail.parts);
  if (part === undefined) {
    return { ...around, kind: "refused", fault: "no-report", text: "the mail has no report in it" };
  }
  const named = heedsHeader ? mailDomain(mail) : undefined;
  const domain = named ?? fileNameDomain(part.fileName ?? "");
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
    octets: part.octets,
    domain,
  };
}
