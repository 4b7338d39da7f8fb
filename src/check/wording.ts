/**
 * Wording that findings and reports share.
 *
 * @module
 */

/** Names that are listed. A policy may have thousands. */
const NAMES_LISTED_MAX = 8;

/** A number with its noun, such as `1 error` or `2 errors`. */
export function count(number: number, noun: string): string {
  const ending = number === 1 ? "" : noun.endsWith("s") ? "es" : "s";
  return `${number} ${noun}${ending}`;
}

/** Names separated by commas, with the number of names left out. */
export function listNames(names: readonly string[]): string {
  const listed = names.slice(0, NAMES_LISTED_MAX).join(", ");
  const left = names.length - NAMES_LISTED_MAX;
  return left > 0 ? `${listed} and ${left} more` : listed;
}
