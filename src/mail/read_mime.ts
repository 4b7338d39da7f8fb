/**
 * Reads a received mail: its headers and its parts, within bounds. postal-mime does the work; it never throws here.
 *
 * No signature is verified: whoever needs that needs the raw octets.
 *
 * @module
 */

import PostalMime from "postal-mime";

/** The largest mail that is read, octets: 5 MiB of JSON in base64, and some. */
export const MAIL_MAX_OCTETS: number = 8 * 1024 * 1024;

/**
 * Lines of a mail: 5 MiB of JSON in base64 have 92,000. postal-mime takes 10 us and 1 KB for each, so the size alone
 * is no bound: 8 MiB of empty lines would take a minute and 4 GB.
 */
const MAX_LINES = 100_000;

const LINE_FEED = 0x0a;

/** Parts inside each other. A report has two levels, or some more if it was forwarded. */
const MAX_NESTING = 10;

/** Headers of all parts, octets. Long ways through many servers have tens of KiB. */
const MAX_HEADER_OCTETS = 256 * 1024;

/** Parts that are handed on. A report has one besides its text. */
const MAX_PARTS = 20;

/** A part that is not the text of the mail. */
export interface MailPart {
  /** Media type in lower case, without parameters; "" if there is none. */
  readonly mediaType: string;
  /** As the sender wrote it. */
  readonly fileName: string | undefined;
  /** Decoded. */
  readonly octets: Uint8Array;
}

/** A mail that could be read. */
export interface ReceivedMail {
  /** Unfolded values of all headers with this name, in the order of the mail. @param name In lower case. */
  headers(name: string): readonly string[];
  /** The address in From; `undefined` if there is none. */
  readonly from: string | undefined;
  /** Decoded; `undefined` if there is none. */
  readonly subject: string | undefined;
  /** At most 20, in the order of the mail. */
  readonly parts: readonly MailPart[];
}

/** A mail, or why there is none. */
export type MailReading =
  | { readonly kind: "read"; readonly mail: ReceivedMail }
  | { readonly kind: "refused"; readonly fault: "too-large" | "no-mail" };

/** What {@link readMail} may leave out. */
export interface ReadMailOptions {
  /**
   * Whether parts of mails inside the mail (`message/rfc822`) count as parts of the mail. A bounce has one, written by
   * whoever wrote the mail that bounced.
   * @default {true}
   */
  readonly opensForwarded?: boolean;
}

/**
 * Reads a mail.
 *
 * @param octets At most {@link MAIL_MAX_OCTETS} in at most 100,000 lines are read.
 * @returns Never rejects. `no-mail` if there is no header, or a bound on headers or nesting is passed.
 */
export async function readMail(
  octets: Uint8Array,
  { opensForwarded = true }: ReadMailOptions = {},
): Promise<MailReading> {
  if (octets.length > MAIL_MAX_OCTETS || hasTooManyLines(octets)) {
    return { kind: "refused", fault: "too-large" };
  }
  const mail = await parse(octets, opensForwarded);
  if (mail === undefined || !mail.headers.some(({ key }) => key === "from")) {
    return { kind: "refused", fault: "no-mail" };
  }
  return {
    kind: "read",
    mail: {
      headers: (name) => mail.headers.filter(({ key }) => key === name).map(({ value }) => value),
      from: mail.from?.address ?? mail.from?.group?.[0]?.address,
      subject: mail.subject,
      parts: mail.attachments.slice(0, MAX_PARTS).map(({ mimeType, filename, content }) => ({
        mediaType: mimeType.toLowerCase(),
        fileName: filename ?? undefined,
        octets: typeof content === "string"
          ? new TextEncoder().encode(content)
          : new Uint8Array(content),
      })),
    },
  };
}

function hasTooManyLines(octets: Uint8Array): boolean {
  let lines = 0;
  for (let at = octets.indexOf(LINE_FEED); at >= 0; at = octets.indexOf(LINE_FEED, at + 1)) {
    if (++lines > MAX_LINES) return true;
  }
  return false;
}

async function parse(octets: Uint8Array, opensForwarded: boolean) {
  try {
    return await PostalMime.parse(octets, {
      attachmentEncoding: "arraybuffer",
      forceRfc822Attachments: !opensForwarded,
      maxNestingDepth: MAX_NESTING,
      maxHeadersSize: MAX_HEADER_OCTETS,
      maxRfc822NestingDepth: 1,
    });
  } catch {
    // Its bounds are errors, and so is whatever it cannot make sense of.
    return undefined;
  }
}
