/**
 * Rows of a domain, read a few days at a time: reports come in while somebody looks at a page. A month of a domain that
 * many strangers report on has tens of thousands of rows.
 *
 * @module
 */

import { formatDay, parseDay } from "../receive/days.ts";
import type { ReceivedView, RowQuery } from "../receive/types.ts";

/** The longest time without a pause, ms, as far as the days of a slice can be foreseen. */
const SLICE_MS = 20;

/** If so many rows or fewer were read at once, the next slice has twice as many days: 2 ms. */
const FEW_ROWS = 500;

/** Lets other work run when it is time to. */
export interface Breather {
  /** Returns at once, or after a pause. */
  breathe(): Promise<void>;
}

/**
 * Creates a breather.
 *
 * @param pause Lets other work run.
 */
export function createBreather(pause: () => Promise<void>): Breather {
  let since = performance.now();
  return {
    async breathe(): Promise<void> {
      if (performance.now() - since < SLICE_MS) return;
      await pause();
      since = performance.now();
    },
  };
}

/**
 * Reads the rows of one kind, in the order of the view.
 *
 * @throws {FileFault} As the view does, if its file cannot be read.
 */
export async function readInSlices<Kind extends "outcomes" | "problems">(
  view: Pick<ReceivedView, Kind>,
  query: Required<RowQuery> & { readonly kind: Kind; readonly breather: Breather },
): Promise<ReturnType<ReceivedView[Kind]>[number][]> {
  const { kind, breather, domain } = query;
  const last = parseDay(query.until) ?? 0;
  const rows: ReturnType<ReceivedView[Kind]>[number][] = [];
  let days = 1;
  for (let day = parseDay(query.since) ?? 0; day <= last;) {
    await breather.breathe();
    const since = formatDay(day);
    const until = formatDay(Math.min(last, day + days - 1));
    const slice = view[kind]({ domain, since, until });
    for (const row of slice) rows.push(row);
    day += days;
    days = slice.length <= FEW_ROWS ? 2 * days : 1;
  }
  return rows;
}
