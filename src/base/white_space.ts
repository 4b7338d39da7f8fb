/**
 * White space as RFC 5234 defines it (WSP): space and tab, nothing else. `String.trim` also removes line ends,
 * no-break spaces and byte order marks, but these make a record or a policy invalid.
 *
 * @module
 */

function isWsp(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Removes spaces and tabs from the start. */
export function trimWspStart(text: string): string {
  let start = 0;
  while (isWsp(text.charCodeAt(start))) start++;
  return text.slice(start);
}

/** Removes spaces and tabs from the end, in linear time. (A regular expression needs quadratic time here.) */
export function trimWspEnd(text: string): string {
  let end = text.length;
  while (isWsp(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}
