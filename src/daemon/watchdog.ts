/**
 * The watchdog: a supervisor that gets no keep-alive for too long restarts the daemon.
 *
 * A timer of the event loop sends the keep-alives, so that a blocked loop sends none, and only after the
 * daemon has shown that it works. The caller decides what that means.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** What {@link startWatchdog} works with. */
export interface WatchdogOptions {
  readonly clock: Clock;
  /** The longest time between two keep-alives, ms. */
  readonly timeout: number;
  /**
   * Whether the daemon works. Never rejects.
   *
   * @param patience It must settle within this time, ms.
   */
  readonly works: (patience: number) => Promise<boolean>;
  /** Sends a keep-alive. */
  readonly feed: () => void;
}

/**
 * Sends keep-alives at half of the timeout, as sd_watchdog_enabled(3) advises.
 *
 * @returns A function that stops them.
 */
export function startWatchdog(options: WatchdogOptions): () => void {
  const { clock } = options;
  const interval = options.timeout / 2;
  let stopped = false;
  let cancel = clock.setTimer(look, interval);

  function look(): void {
    cancel = clock.setTimer(look, interval);
    // Half of it, so that two keep-alives are at most three quarters of the timeout apart.
    options.works(interval / 2).then((works) => {
      if (works && !stopped) options.feed();
    });
  }

  return () => {
    stopped = true;
    cancel();
  };
}

/**
 * Sends keep-alives at half of the timeout for as long as the event loop turns, for a daemon that nobody waits for.
 *
 * @param timeout As systemd says it, ms; without one, nothing is sent.
 * @returns A function that stops them.
 */
export function feedWatchdog(
  timeout: number | undefined,
  { clock, feed }: Pick<WatchdogOptions, "clock" | "feed">,
): () => void {
  if (timeout === undefined) return () => {};
  const interval = timeout / 2;
  let cancel = clock.setTimer(next, interval);
  function next(): void {
    feed();
    cancel = clock.setTimer(next, interval);
  }
  return () => cancel();
}
