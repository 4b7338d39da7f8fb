/**
 * The progress of a check as one line on a terminal. Each step overwrites the line; the end erases it.
 *
 * @module
 */

import type { Progress } from "./check.ts";

/** One line of a terminal that is written again and again. */
export interface StatusLine {
  /** Shows a text instead of the last one. */
  show(text: string): void;
  /** Erases the line. */
  end(): void;
}

/** A line of progress. */
export interface ProgressLine {
  show(progress: Progress): void;
  /** Erases the line. */
  end(): void;
}

/** ECMA-48: to the start of the line, and erase to its end. */
const ERASE_LINE = "\r\x1b[K";

/** Creates a line that shows nothing yet. @param write Writes to a terminal. */
export function createStatusLine(write: (text: string) => void): StatusLine {
  return {
    show: (text) => write(`${ERASE_LINE}${text}`),
    end: () => write(ERASE_LINE),
  };
}

/**
 * Creates the line; it shows nothing yet.
 *
 * @param total Domains to check.
 * @param write Writes to a terminal.
 */
export function createProgressLine(total: number, write: (text: string) => void): ProgressLine {
  const line = createStatusLine(write);
  return {
    show({ tried, known, domains }): void {
      const whole = total === 1 ? "" : `, ${domains} of ${total} domains`;
      line.show(`${tried} of ${known} addresses tried${whole}`);
    },
    end: line.end,
  };
}
