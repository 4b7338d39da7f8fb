/**
 * The watchdog: a supervisor that hears nothing for too long ends the daemon and starts it anew.
 *
 * It is fed by a timer of the event loop, so that a loop that stands still feeds it no more, and only
 * after the daemon has shown that it does its work. What that means, the caller knows.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** What {@link startWatchdog} works with. */
export interface WatchdogOptions {
  readonly clock: Clock;
  /** The supervisor's patience, ms. */
  readonly timeout: number;
  /**
   * Tells whether the daemon does its work, and never rejects.
   *
   * @param patience Within this time it shall settle, ms.
   */
  readonly works: (patience: number) => Promise<boolean>;
  readonly feed: () => void;
}

/**
 * Feeds it at half of the supervisor's patience, as sd_watchdog_enabled(3) advises.
 *
 * @returns A function that ends it.
 */
export function startWatchdog(options: WatchdogOptions): () => void {
  const { clock } = options;
  const interval = options.timeout / 2;
  let stopped = false;
  let cancel = clock.setTimer(look, interval);

  function look(): void {
    cancel = clock.setTimer(look, interval);
    // Half of it: two keep-alives are then at most three quarters of the patience apart.
    options.works(interval / 2).then((works) => {
      if (works && !stopped) options.feed();
    });
  }

  return () => {
    stopped = true;
    cancel();
  };
}
