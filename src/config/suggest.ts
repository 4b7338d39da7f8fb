/**
 * Finds what was probably meant by a misspelt word.
 *
 * @module
 */

/** Edits that turn the word into the candidate, of three letters one, still count as a slip. */
const LETTERS_PER_EDIT = 3;

/**
 * The candidate that is closest to the word; letter case, `-` and `_` do not matter.
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

/** Least number of letters to put in, take out or change (Levenshtein). */
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
