/**
 * The body of a mail in the canonical forms of DKIM (RFC 6376 §3.4.3, §3.4.4), octet by octet: a mail of 8 MiB costs
 * 8 MiB more, whatever its lines are.
 *
 * @module
 */

/** A canonical form. */
export type Canonicalization = "simple" | "relaxed";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** Octets of a CRLF. */
const CRLF = 2;

/**
 * Brings a body into a canonical form.
 *
 * @param body Lines end in CRLF; a CR or LF alone is an octet like any other.
 * @returns A new array, or a part of `body`.
 */
export function canonicalBody(
  body: Uint8Array<ArrayBuffer>,
  form: Canonicalization,
): Uint8Array<ArrayBuffer> {
  const written = form === "relaxed" ? relaxLines(body) : body;
  let end = written.length;
  while (endsWithLine(written, end) && endsWithLine(written, end - CRLF)) end -= CRLF;
  // What is left is one line end, or a line with or without its end.
  const isEmpty = end === 0 || end === CRLF && endsWithLine(written, end);
  if (isEmpty) return form === "relaxed" ? new Uint8Array() : Uint8Array.of(CR, LF);
  if (endsWithLine(written, end)) return written.subarray(0, end);
  const ended = new Uint8Array(end + CRLF);
  ended.set(written.subarray(0, end));
  ended.set([CR, LF], end);
  return ended;
}

function endsWithLine(octets: Uint8Array, end: number): boolean {
  return end >= CRLF && octets[end - 2] === CR && octets[end - 1] === LF;
}

/** No white space at ends of lines, runs of it as one space. */
function relaxLines(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(body.length);
  let length = 0;
  let isSpace = false;
  for (let at = 0; at < body.length; at++) {
    const octet = body[at]!;
    if (octet === SPACE || octet === TAB) {
      isSpace = true;
      continue;
    }
    if (isSpace && !(octet === CR && body[at + 1] === LF)) result[length++] = SPACE;
    isSpace = false;
    result[length++] = octet;
  }
  // White space at the end of a body that does not end in CRLF is at the end of a line, too.
  return result.subarray(0, length);
}
