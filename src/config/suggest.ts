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

/** The fewest letters to insert, delete or replace, or neighbours to swap (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  let above = row;
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      let edits = Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (letter === other ? 0 : 1));
      const isSwap = i > 0 && j > 0 && letter === to[j - 1] && from[i - 1] === other;
      if (isSwap) edits = Math.min(edits, above[j - 1]! + 1);
      next.push(edits);
    }
    above = row;
    row = next;
  }
  return row.at(-1)!;
}
