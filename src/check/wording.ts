/**
 * Words that several findings and reports have in common.
 *
 * @module
 */

/** Names in a list that are told; a policy may have thousands. */
const NAMES_TOLD_MAX = 8;

/** A number with its noun, such as `1 error` or `2 errors`. */
export function count(number: number, noun: string): string {
  const ending = number === 1 ? "" : noun.endsWith("s") ? "es" : "s";
  return `${number} ${noun}${ending}`;
}

/** Names in a row, with the number of those that are left out. */
export function listNames(names: readonly string[]): string {
  const told = names.slice(0, NAMES_TOLD_MAX).join(", ");
  const left = names.length - NAMES_TOLD_MAX;
  return left > 0 ? `${told} and ${left} more` : told;
}
