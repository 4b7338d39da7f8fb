/**
 * Processor time of this thread, for tests of how work grows: what else the machine does, and what the
 * tests in other threads do, is not in it.
 *
 * @module
 */

/** Nobody changes it: waiting for it ends with the time. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds that this thread has had a processor so far. */
export function threadTime(): number {
  // The kernel counts a thread when it gives the processor away, or at its tick, 4 ms apart (proc(5)).
  Atomics.wait(NEVER, 0, 0, 0.01);
  return parseInt(Deno.readTextFileSync("/proc/thread-self/schedstat"), 10) / 1e6;
}
