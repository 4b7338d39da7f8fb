/**
 * Timers of a second and more that end together.
 *
 * Each step of each check has such a deadline, and hardly any is ever reached. A timer of the runtime for each would
 * cost too much.
 *
 * @module
 */

/** Timers of this length and more, ms, end together at the next multiple of {@link GRAIN_MS}. */
export const LONG_MS = 1000;

/** Long timers end at multiples of this, ms. */
const GRAIN_MS = 20;

/** Sets a timer: calls back once after a delay in ms. @returns A function that cancels it. */
export type SetTimer = (callback: () => void, delay: number) => () => void;

/** What the timers use. */
export interface TimerSources {
  /** Monotonic clock, ms. */
  monotonic(): number;
  /** Sets a timer of the runtime. */
  readonly startTimer: SetTimer;
}

/**
 * Creates timers that share those of `startTimer`. A shared timer runs on after all its users have cancelled, which
 * is cheaper than a new one for the next user. When nobody waits any more, all of them are cancelled.
 */
export function createLongTimers({ monotonic, startTimer }: TimerSources): SetTimer {
  /** What to call, by the end in grains. */
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
