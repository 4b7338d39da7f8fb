/**
 * How often each answer was given for a domain, for the status page.
 *
 * A ready reply counts its own uses; they are added here before it is dropped and before a count is read.
 * So a cached answer costs one addition to an object that is at hand.
 *
 * @module
 */

import { ANSWERS, type AnswerWord, type Counts } from "./history.ts";

/** Domains counted, about 200 octets each; those that were not asked for lately are forgotten first. */
const MAX_DOMAINS = 10_000;

/** A tally that is counted in. */
type Tally = Record<AnswerWord, number>;

/** What {@link createAnswerCounts} works with. */
export interface AnswerCountsOptions {
  readonly createMap: (maxEntries: number) => {
    get(domain: string): Tally | undefined;
    set(domain: string, tally: Tally): void;
  };
  /** Adds the uses of all ready replies to the tallies: a few milliseconds for 100,000 of them. */
  readonly settle: () => void;
}

/** The counts. */
export interface AnswerCounts {
  /** The tally of a domain, to be counted in; a new one if there is none. */
  tallyOf(domain: string): Tally;
  /** Brings the counts up to date. */
  settle(): void;
  /** What was counted for a domain when `settle` was last called; `undefined` if it is not known. */
  of(domain: string): Counts | undefined;
}

/** Creates empty counts. */
export function createAnswerCounts({ createMap, settle }: AnswerCountsOptions): AnswerCounts {
  const tallies = createMap(MAX_DOMAINS);
  return {
    tallyOf(domain): Tally {
      const known = tallies.get(domain);
      if (known !== undefined) return known;
      const tally = Object.fromEntries(ANSWERS.map((word) => [word, 0])) as Tally;
      tallies.set(domain, tally);
      return tally;
    },
    settle,
    of: (domain) => tallies.get(domain),
  };
}
