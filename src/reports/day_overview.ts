/**
 * A day at a glance: what was counted, what became of its reports, and a bounded list of the deliveries in each state.
 *
 * @module
 */

import { countOf, numberOf, type Reader } from "./counted.ts";
import * as sql from "./statements.ts";
import type { DeliveryRow } from "./types.ts";

/** The states of a delivery. */
export const DELIVERY_STATES: readonly DeliveryRow["state"][] = [
  "refused",
  "expired",
  "due",
  "sent",
];

/** The latest time that a date can have, ms. */
const MAX_TIME = 8.64e15;

/** A delivery in a list. */
export interface ListedDelivery {
  /** The domain that the report is for. */
  readonly domain: string;
  /** Where it goes, as published; empty as long as that is not known. */
  readonly uri: string;
  /** When it ended or, if it is due, when the next try is; ms since the epoch. */
  readonly at: number;
  /** Why the last try failed; may hold remote text. */
  readonly error: string | undefined;
}

/** The deliveries of a day in one state. */
export interface StateOverview {
  /** The state. */
  readonly state: DeliveryRow["state"];
  /** All of them. */
  readonly count: number;
  /** Some of them: those that ended last, or are due first. */
  readonly listed: readonly ListedDelivery[];
}

/** A day. */
export interface DayOverview {
  /** Days since the epoch, UTC. */
  readonly day: number;
  /** Domains that something was counted for. */
  readonly domains: number;
  /** Sessions that succeeded. */
  readonly ok: number;
  /** Sessions that failed. */
  readonly failed: number;
  /** One for each of {@link DELIVERY_STATES}, in that order. */
  readonly states: readonly StateOverview[];
}

/**
 * Reads a day. It looks at every row of the day: 200,000 domains take a fifth of a second.
 *
 * @param query The day, and how many deliveries are listed for each state.
 */
export function readOverview(
  file: Reader,
  { day, limit }: { day: number; limit: number },
): DayOverview {
  const sums = file.one(sql.SUM_DAY, day) ?? {};
  const counts = new Map(
    file.all(sql.COUNT_DAY_DELIVERIES, day).map((row) => [String(row.state), countOf(row.count)]),
  );
  const states = DELIVERY_STATES.map((state) => {
    const count = counts.get(state) ?? 0;
    const rows = count === 0 ? [] : file.all(sql.LIST_DELIVERIES, day, state, limit);
    return { state, count, listed: rows.map(readListed) };
  });
  const { domains, ok, failed } = sums;
  return { day, domains: countOf(domains), ok: countOf(ok), failed: countOf(failed), states };
}

function readListed({ domain, uri, at, error }: Record<string, unknown>): ListedDelivery {
  return {
    domain: String(domain),
    uri: String(uri),
    at: Math.min(Math.max(numberOf(at), 0), MAX_TIME),
    error: typeof error === "string" ? error : undefined,
  };
}
