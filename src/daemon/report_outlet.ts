/**
 * The outlet of `serve` to the report daemon, as configured.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { type Outlet, startOutlet } from "../collect/outlet.ts";
import type { Config } from "../config/types.ts";
import type { DaemonContext } from "./context.ts";

/** Starts the outlet; `undefined` if the configuration names no socket. */
export function openOutlet(
  { report: { feed } }: Config,
  parts: { clock: Clock; metrics: Metrics },
): Outlet | undefined {
  if (feed?.kind !== "unix") return undefined;
  const { path } = feed;
  return startOutlet({ ...parts, connect: () => Deno.connect({ transport: "unix", path }) });
}

/** Passes each event to all that are there; `undefined` if there is none. */
export function noteIn(
  ...notebooks: readonly (Pick<Outlet, "note"> | undefined)[]
): DaemonContext["events"] {
  const [one, ...others] = notebooks.filter((each) => each !== undefined);
  if (one === undefined || others.length === 0) return one;
  return {
    note(event): void {
      one.note(event);
      for (const other of others) other.note(event);
    },
  };
}
