/**
 * Time as the daemon uses it: never backwards, whatever the wall clock does.
 *
 * The process's time is the wall clock at start plus the monotonic time since.
 * When the wall clock is found ahead (suspend, a corrected clock), time follows it:
 * a policy may then expire early by the size of the jump, but none outlives its `max_age`.
 * When the wall clock goes back, time goes on: nothing expired comes alive again.
 *
 * @module
 */

/** Time and timers, handed to everything that waits, so that tests need not. */
export interface Clock {
  /** Milliseconds since the Unix epoch in the process's time base; never decreases. */
  now(): number;
  /** Calls `callback` once after `delay` milliseconds. @returns A function that cancels it. */
  setTimer(callback: () => void, delay: number): () => void;
}

/** A jump of the wall clock below this many milliseconds is slewing, not worth a look. */
const JUMP_TOLERANCE_MS = 50;

/**
 * The real clock.
 *
 * @param sources Wall clock (ms since the epoch) and monotonic clock (ms), for tests of the jumps.
 * @returns The clock; its timers do not keep the process alive.
 */
export function createClock(
  sources: { wall(): number; monotonic(): number } = {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
  },
): Clock {
  let base = sources.wall() - sources.monotonic();
  let wall = NaN;
  let time = NaN;
  return {
    now(): number {
      const before = wall;
      wall = sources.wall();
      // The wall clock is the cheaper one, and counts whole milliseconds: within one, time stands still.
      if (wall === before) return time;
      const steady = base + sources.monotonic();
      const ahead = wall - steady;
      if (ahead <= JUMP_TOLERANCE_MS) return time = steady;
      base += ahead;
      return time = steady + ahead;
    },
    setTimer(callback: () => void, delay: number): () => void {
      const id = setTimeout(callback, delay);
      Deno.unrefTimer(id);
      return () => clearTimeout(id);
    },
  };
}
