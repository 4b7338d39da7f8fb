/**
 * Whether the last reload took effect. A refused reload is easily missed: the daemon works on with the
 * configuration as it was, until its next start fails. So the refusal is kept, for health and metrics.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";

/** A reload that was refused. */
export interface ReloadRefusal {
  /** When, ms since the epoch. */
  readonly at: number;
  /** Why: one line for each mistake. It may quote the configuration file, but no remote text. */
  readonly message: string;
}

/** What is known of the reloads so far. */
export interface ReloadState {
  /** The last reload if it was refused; `undefined` if it took effect, or there was none. */
  refusal(): ReloadRefusal | undefined;
  /** A reload took effect. */
  accept(): void;
  /** A reload was refused, for the reasons in `message`. */
  refuse(message: string): void;
}

/** Creates the state of a daemon that was not reloaded yet, and its metric. */
export function createReloadState(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
): ReloadState {
  const successful = metrics.gauge(
    "mta_sts_config_last_reload_successful",
    "Whether the last reload of the configuration took effect: 1 yes, or there was none; 0 no.",
  ).cell();
  successful.value = 1;
  let refusal: ReloadRefusal | undefined;
  return {
    refusal: () => refusal,
    accept(): void {
      refusal = undefined;
      successful.value = 1;
    },
    refuse(message: string): void {
      refusal = { at: clock.now(), message };
      successful.value = 0;
    },
  };
}
