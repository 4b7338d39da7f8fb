/**
 * Processor time of this thread, for tests of how work grows: what else the machine does, and what the
 * tests in other threads do, is not in it.
 *
 * @module
 */

/** Milliseconds that this thread has had a processor so far; may lag by a tick of the kernel (proc(5)). */
export function threadTime(): number {
  return parseInt(Deno.readTextFileSync("/proc/thread-self/schedstat"), 10) / 1e6;
}
