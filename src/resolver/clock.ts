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
  /**
   * Calls `callback` once after `delay` milliseconds; when that is a second or more, a little later.
   *
   * @returns A function that cancels it.
   */
  setTimer(callback: () => void, delay: number): () => void;
}

/** A jump of the wall clock below this many milliseconds is slewing, not worth a look. */
const JUMP_TOLERANCE_MS = 50;

/**
 * Timers of this length and more, ms, end together at the next multiple of {@link GRAIN_MS}. They are
 * deadlines, set for each step of each check and hardly ever reached; a timer of the runtime for each
 * would be dear.
 */
const LONG_MS = 1000;
const GRAIN_MS = 20;

/** Where time and timers come from. */
interface ClockSources {
  /** Wall clock, ms since the epoch. */
  wall(): number;
  /** Monotonic clock, ms. */
  monotonic(): number;
  /** Calls back after a delay in ms. @returns A function that cancels it. */
  startTimer(callback: () => void, delay: number): () => void;
}

const RUNTIME: ClockSources = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  startTimer(callback: () => void, delay: number): () => void {
    const id = setTimeout(callback, delay);
    Deno.unrefTimer(id);
    return () => clearTimeout(id);
  },
};

/**
 * The real clock.
 *
 * @param given Sources other than the runtime's, for tests.
 * @returns The clock; its timers do not keep the process alive.
 */
export function createClock(given: Partial<ClockSources> = {}): Clock {
  const sources = { ...RUNTIME, ...given };
  const setLongTimer = createLongTimers(sources);
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
      return (delay < LONG_MS ? sources.startTimer : setLongTimer)(callback, delay);
    },
  };
}

/**
 * Makes timers that share those of `startTimer`. One that all have cancelled who share it ends in vain,
 * rather than be started anew for the next; those left are cancelled when nothing is waited for at all.
 */
function createLongTimers({ monotonic, startTimer }: ClockSources): Clock["setTimer"] {
  /** What is to be called, by the end in grains. */
  const ends = new Map<number, { calls: Set<() => void>; cancel: () => void }>();
  let waiting = 0;

  function startEnd(end: number, delay: number) {
    const calls = new Set<() => void>();
    const cancel = startTimer(() => {
      ends.delete(end);
      for (const call of calls) {
        forget(call, calls);
        call();
      }
    }, delay);
    const shared = { calls, cancel };
    ends.set(end, shared);
    return shared;
  }

  function forget(call: () => void, calls: Set<() => void>): void {
    if (!calls.delete(call) || --waiting > 0) return;
    for (const { cancel } of ends.values()) cancel();
    ends.clear();
  }

  return (callback, delay) => {
    const now = monotonic();
    const end = Math.ceil((now + delay) / GRAIN_MS);
    const { calls } = ends.get(end) ?? startEnd(end, end * GRAIN_MS - now);
    // The same function may be set twice.
    const call = () => callback();
    calls.add(call);
    waiting++;
    return () => forget(call, calls);
  };
}
