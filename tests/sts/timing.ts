/**
 * Time as a test of growth: a parser that is quadratic in 64 KiB takes seconds.
 *
 * @module
 */

import { assertLess } from "@std/assert";

/** What reading 64 KiB may take, ms; it takes a few, and the machine may be busy. */
const LIMIT_MS = 50;

/** Asserts that `work` is quick; the best of three tries counts, so that a busy machine does not fail it. */
export function assertQuick(work: () => void, message: string): void {
  const times = [1, 2, 3].map(() => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  assertLess(Math.min(...times), LIMIT_MS, message);
}
