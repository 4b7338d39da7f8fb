/**
 * The progress of a check as one line on a terminal. Each step overwrites the line; the end erases it.
 *
 * @module
 */

import type { Progress } from "./check.ts";

/** A line of progress. */
export interface ProgressLine {
  show(progress: Progress): void;
  /** Erases the line. */
  end(): void;
}

/** ECMA-48: to the start of the line, and erase to its end. */
const ERASE_LINE = "\r\x1b[K";

/**
 * Creates the line; it shows nothing yet.
 *
 * @param total Domains to check.
 * @param write Writes to a terminal.
 */
export function createProgressLine(total: number, write: (text: string) => void): ProgressLine {
  return {
    show({ tried, known, domains }): void {
      const whole = total === 1 ? "" : `, ${domains} of ${total} domains`;
      write(`${ERASE_LINE}${tried} of ${known} addresses tried${whole}`);
    },
    end: () => write(ERASE_LINE),
  };
}
