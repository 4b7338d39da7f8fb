/**
 * Takes an mbox file apart (RFC 4155), mail by mail: no more than one mail is in memory.
 *
 * A mail begins with a line `From ` with an address and a time, at the start or after an empty line. `>From ` in a body
 * stays as it is: base64, in which reports come, has no such line, and who undoes the quoting breaks the signatures of
 * mails that were not quoted.
 *
 * @module
 */

const LF = 0x0a;
const CR = 0x0d;

/** `From `, with which the line before a mail begins. */
const SEPARATOR = new TextEncoder().encode("From ");

/** A time as asctime(3) writes it: `Sat Nov 28 08:40:00 2026`, with or without a zone. */
const ASCTIME =
  /[A-Z][a-z]{2} +([A-Z][a-z]{2}) +([0-9]{1,2}) +([0-9]{2}:[0-9]{2}:[0-9]{2}) +(?:[A-Z]+ +)?([0-9]{4})/;

/** Octets of the line before a mail that are looked at. */
const SEPARATOR_MAX_OCTETS = 1000;

/** A mail, or what is left of one that is too large. */
export interface MboxMail {
  /** `undefined` if the mail is larger than allowed. */
  readonly octets: Uint8Array | undefined;
  /** When it was delivered, ms, as the line before it says in UTC. */
  readonly at: number;
}

/** Whether octets begin like an mbox file, or like a mail that pipe(8) has put such a line before (`flags=F`). */
export function hasSeparator(octets: Uint8Array): boolean {
  return SEPARATOR.every((octet, index) => octets[index] === octet);
}

/** A mail without the line before it, if there is one. */
export function dropSeparator(octets: Uint8Array): Uint8Array {
  if (!hasSeparator(octets)) return octets;
  const end = octets.indexOf(LF);
  return end < 0 ? octets : octets.subarray(end + 1);
}

/**
 * Yields the mails of an mbox file.
 *
 * @param maxOctets Of a larger mail nothing is kept.
 */
export async function* splitMbox(
  chunks: AsyncIterable<Uint8Array>,
  maxOctets: number,
): AsyncGenerator<MboxMail> {
  let mail: MailSoFar | undefined;
  let isAfterEmpty = true;
  for await (const line of cutLines(chunks, maxOctets)) {
    const at = isAfterEmpty && hasSeparator(line) ? timeIn(line) : undefined;
    if (at !== undefined) {
      if (mail !== undefined) yield finish(mail);
      mail = { lines: [], octets: 0, at, max: maxOctets };
    } else if (mail !== undefined) {
      mail.octets += line.length;
      if (mail.octets > maxOctets) mail.lines = [];
      else mail.lines.push(line);
    }
    isAfterEmpty = line.length === 1 || (line.length === 2 && line[0] === CR);
  }
  if (mail !== undefined) yield finish(mail);
}

interface MailSoFar {
  lines: Uint8Array[];
  octets: number;
  readonly at: number;
  readonly max: number;
}

function finish({ lines, octets, at, max }: MailSoFar): MboxMail {
  if (octets > max) return { octets: undefined, at };
  return { octets: join(lines), at };
}

function timeIn(line: Uint8Array): number | undefined {
  const text = new TextDecoder("latin1", { ignoreBOM: true })
    .decode(line.subarray(0, SEPARATOR_MAX_OCTETS));
  const [, month, day, time, year] = ASCTIME.exec(text) ?? [];
  const at = Date.parse(`${day} ${month} ${year} ${time} GMT`);
  return Number.isNaN(at) ? undefined : at;
}

/** Lines with their ends. A line longer than `max` comes in pieces. */
async function* cutLines(
  chunks: AsyncIterable<Uint8Array>,
  max: number,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const line = chunk.slice(start, end + 1);
      yield rest.length === 0 ? line : join([...rest, line]);
      [rest, octets] = [[], 0];
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.slice(start));
    octets += chunk.length - start;
    if (octets <= max) continue;
    yield join(rest);
    [rest, octets] = [[], 0];
  }
  if (rest.length > 0) yield join(rest);
}

/** One array of all octets. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
