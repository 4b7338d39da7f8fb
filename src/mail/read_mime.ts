/**
 * Reads a received mail: its headers and its parts, within bounds. postal-mime does the work; it never throws here.
 *
 * No signature is verified: whoever needs that needs the raw octets.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import PostalMime from "postal-mime";

/** The largest mail that is read, octets: 5 MiB of JSON in base64, and some. */
export const MAIL_MAX_OCTETS: number = 8 * 1024 * 1024;

/**
 * Lines of a mail: 5 MiB of JSON in base64 have 92,000. postal-mime takes 10 us and 1 KB for each, so the size alone
 * is no bound: 8 MiB of empty lines would take a minute and 4 GB.
 */
const MAX_LINES = 100_000;

/**
 * Lines that are read without a pause: 20 ms. postal-mime itself lets nothing else run before the end of a mail, and
 * anybody can send one.
 */
const LINES_AT_ONCE = 1500;

/**
 * Equals signs within lines. In base64 each ends a piece, for which postal-mime takes 8 us and 600 octets: 8 MiB of
 * them would take half a minute and 2 GB. Quoted-printable has a few thousand.
 */
const MAX_PIECES = 20_000;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const EQUALS_SIGN = 0x3d;

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
  /** Lets other work run, between slices of a mail. @default a macrotask */
  readonly pause?: () => Promise<void>;
}

/**
 * Reads a mail.
 *
 * @param octets At most {@link MAIL_MAX_OCTETS} in at most 100,000 lines are read, and no base64 in ever so many pieces.
 * @returns Never rejects. `no-mail` if there is no header, or a bound on headers or nesting is passed.
 */
export async function readMail(
  octets: Uint8Array,
  { opensForwarded = true, pause = waitForOthers }: ReadMailOptions = {},
): Promise<MailReading> {
  if (octets.length > MAIL_MAX_OCTETS || hasTooManyLines(octets) || hasTooManyPieces(octets)) {
    return { kind: "refused", fault: "too-large" };
  }
  const mail = await parse(octets, { opensForwarded, pause });
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

function hasTooManyPieces(octets: Uint8Array): boolean {
  let pieces = 0;
  for (let at = octets.indexOf(EQUALS_SIGN); at >= 0; at = octets.indexOf(EQUALS_SIGN, at + 1)) {
    const next = octets[at + 1];
    const isWithin = next !== LINE_FEED && next !== CARRIAGE_RETURN && next !== EQUALS_SIGN;
    if (isWithin && ++pieces > MAX_PIECES) return true;
  }
  return false;
}

async function parse(
  octets: Uint8Array,
  { opensForwarded, pause }: Required<ReadMailOptions>,
) {
  try {
    const parser = new PostalMime({
      attachmentEncoding: "arraybuffer",
      forceRfc822Attachments: !opensForwarded,
      maxNestingDepth: MAX_NESTING,
      maxHeadersSize: MAX_HEADER_OCTETS,
      maxRfc822NestingDepth: 1,
    });
    pauseBetweenLines(parser, pause);
    return await parser.parse(octets);
  } catch {
    // Its bounds are errors, and so is whatever it cannot make sense of.
    return undefined;
  }
}

/** Those parts of postal-mime that are used here. Its types do not have them, and nothing depends on them but time. */
interface LineReader {
  processLine?: (line: Uint8Array, isFinal: boolean) => Promise<void>;
  readonly currentNode?: { readonly contentDecoder?: { readonly chunks?: unknown } | null };
}

function pauseBetweenLines(parser: PostalMime, pause: () => Promise<void>): void {
  const reader = parser as unknown as LineReader;
  const processLine = reader.processLine?.bind(parser);
  if (processLine === undefined) return;
  const joined = new WeakMap<object, number>();
  let lines = 0;
  reader.processLine = async (line, isFinal) => {
    if (++lines % LINES_AT_ONCE === 0) {
      joinChunks(reader.currentNode?.contentDecoder?.chunks, joined);
      await pause();
    }
    await processLine(line, isFinal);
  };
}

/**
 * Makes one chunk of those of the last lines. A body that is not encoded has two for each line, and to put together
 * 200,000 of them at its end takes most of a second.
 *
 * @param joined How many chunks of a list are joined ones.
 */
function joinChunks(chunks: unknown, joined: WeakMap<object, number>): void {
  if (!Array.isArray(chunks)) return;
  const from = joined.get(chunks) ?? 0;
  const last: unknown[] = chunks.slice(from);
  if (last.length < 2 || !last.every((one) => typeof one === "string" || isOctets(one))) return;
  const octets = Buffer.concat(
    last.map((one) => typeof one === "string" ? Buffer.from(one) : one as Uint8Array),
  );
  chunks.splice(from, last.length, new Uint8Array(octets));
  joined.set(chunks, from + 1);
}

function isOctets(value: unknown): boolean {
  return value instanceof Uint8Array;
}

function waitForOthers(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
