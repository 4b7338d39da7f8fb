/**
 * Logs what happens to the wall clock.
 *
 * @module
 */

import type { ClockChange } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** The event of each change. */
const EVENTS: Readonly<Record<ClockChange["kind"], string>> = {
  doubted: "clock jumped ahead, not believed before it has lasted",
  believed: "clock jump has lasted, time follows it",
  withdrawn: "clock jump taken back, nothing has expired by it",
  behind: "clock set back, ages are kept",
};

/** Makes the listener of a clock. Each change is a warning, because certificates depend on the wall clock. */
export function logClock(log: Log): (change: ClockChange) => void {
  return ({ kind, ms }) => log.warn(EVENTS[kind], { seconds: Math.round(ms / 1000) });
}
