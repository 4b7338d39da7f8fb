/**
 * Time as a test of growth: a parser that is quadratic in 64 KiB takes seconds.
 *
 * @module
 */

import { assertLess } from "@std/assert";
import { threadTime } from "../fakes/cpu_time.ts";

/** What reading 64 KiB may take of the processor, ms; it takes a few. */
const LIMIT_MS = 50;

/** Tries; the processor is shared and memory is collected in some, not in all. */
const TRIES = 5;

/** Asserts that `work` is quick, in one of {@link TRIES} at least: what is slow by itself is slow in all. */
export function assertQuick(work: () => void, message: string): void {
  let best = Infinity;
  for (let left = TRIES; left > 0 && best >= LIMIT_MS; left--) {
    const start = threadTime();
    work();
    best = Math.min(best, threadTime() - start);
  }
  assertLess(best, LIMIT_MS, message);
}
