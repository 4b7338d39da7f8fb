/**
 * The health of the report daemon.
 *
 * @module
 */

import { messageOf } from "../base/error_text.ts";
import { dayOf } from "../reports/report_id.ts";
import type { ReportContext } from "./report_context.ts";
import type { Delivery } from "./report_delivery.ts";

/** The state of one part of the report daemon. */
export interface ReportHealthCheck {
  readonly name: "store" | "days" | "key";
  readonly status: "ok" | "warning";
  /** One line for a person. */
  readonly detail: string;
}

/** What is judged. */
export interface ReportHealthContext extends Pick<ReportContext, "store"> {
  readonly clock: Pick<ReportContext["clock"], "now" | "proven">;
}

/** A day must be closed this long after its end, ms. */
const CLOSED_BY_MS = 30 * 60_000;

/** Judges the parts. The daemon collects whatever they say, so none counts as failed. */
export function checkReports(
  { store, clock }: ReportHealthContext,
  delivery: Pick<Delivery, "keyMistake">,
): ReportHealthCheck[] {
  return [checkStore(store), checkDays(store, clock.proven()), checkKey(delivery)];
}

function checkKey(delivery: Pick<Delivery, "keyMistake">): ReportHealthCheck {
  const mistake = delivery.keyMistake();
  if (mistake !== undefined) return { name: "key", status: "warning", detail: mistake };
  return { name: "key", status: "ok", detail: "nothing is known to be wrong with the DKIM key" };
}

function checkStore(store: ReportContext["store"]): ReportHealthCheck {
  const name = "store";
  try {
    if (store.error !== undefined) return { name, status: "warning", detail: store.error };
    if (!store.isFull()) return { name, status: "ok", detail: "the report file can be written" };
    return { name, status: "warning", detail: "the report file is full: new domains are dropped" };
  } catch (error) {
    return { name, status: "warning", detail: messageOf(error) };
  }
}

function checkDays(store: ReportContext["store"], now: number): ReportHealthCheck {
  const name = "days";
  try {
    const open = store.nextToClose(dayOf(now - CLOSED_BY_MS));
    if (open === undefined) {
      return { name, status: "ok", detail: "all past days are closed" };
    }
    return { name, status: "warning", detail: "a past day is not closed" };
  } catch (error) {
    return { name, status: "warning", detail: messageOf(error) };
  }
}
