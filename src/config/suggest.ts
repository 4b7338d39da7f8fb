/**
 * Finds the word that was probably meant by a misspelt one.
 *
 * @module
 */

/** One edit for every three letters still counts as a slip. */
const LETTERS_PER_EDIT = 3;

/**
 * The candidate closest to the word, regardless of letter case, `-` and `_`.
 *
 * @returns `undefined` if none is close.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bound = Math.floor(word.length / LETTERS_PER_EDIT) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(fold(word), fold(candidate));
    if (distance < bound) [best, bound] = [candidate, distance];
  }
  return best;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** The fewest letters to insert, delete or replace (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
