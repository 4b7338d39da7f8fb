/**
 * MX and DANE views that the hosts of a fleet share. Another host's view only stands in for own lookups that fail or
 * do not end, for a day, as an own view does that is no longer fresh: a new host then answers while DNS is mute.
 *
 * @module
 */

import type { Exchange } from "../fleet/types.ts";
import { usableStale } from "./mx_verdict.ts";
import type { DaneSight } from "./mx_verdict.ts";
import { readView, writeView } from "./stored_view.ts";
import type { MxView } from "./types.ts";

/** The views of other hosts. */
export interface SharedViews {
  /** Asks for a view that may stand in now; it is never fresh. `undefined` if the fleet has none. Never rejects. */
  ask(nextHop: string): Promise<MxView | undefined>;
  /** Tells the fleet a view of this host's own, seen with `sight`. */
  publish(view: MxView, sight: DaneSight): void;
}

/** Creates the views over the fleet. @param now The current time, ms. */
export function createSharedViews(
  fleet: Pick<Exchange, "askView" | "publishView">,
  now: () => number,
): SharedViews {
  return {
    async ask(nextHop) {
      const shared = await fleet.askView(nextHop);
      if (shared?.nextHop !== nextHop) return undefined;
      const view = readView(shared);
      const time = now();
      if (view === undefined || usableStale(view, time) === undefined) return undefined;
      const checkedAt = Math.min(view.checkedAt, time);
      return { ...view, checkedAt, freshUntil: checkedAt };
    },
    publish(view, sight) {
      // What was seen without DANE says nothing to hosts that look for it, and must not hide what they saw.
      if (view.validated || view.dane === "usable" || sight === "off") {
        fleet.publishView(writeView(view));
      }
    },
  };
}
