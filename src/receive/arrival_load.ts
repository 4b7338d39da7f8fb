/**
 * How much came on a day: of one submitter, unsigned, of senders that nobody knew. It is what `admission.ts` bounds, and
 * it is counted when a report is put into the file, so all processes count together.
 *
 * @module
 */

import { dayNumber } from "./days.ts";
import type { ReceivedDb } from "./received_db.ts";
import { countOf } from "./rows.ts";
import * as sql from "./statements.ts";
import type { AdmittedReport, ArrivalLoad, ArrivalQuery } from "./types.ts";

/** Kinds of tallies, as the file has them. */
const UNSIGNED = 0;
const NEW_SENDERS = 1;

/** Stands for all domains; ids of words begin at 1. */
const ALL_DOMAINS = 0;

/**
 * Counts a report that came by mail or HTTPS; a file that the operator names counts for nothing. To be called within a
 * transaction.
 */
export function countArrival(
  file: ReceivedDb,
  { report: { way, receivedAt, authentication, policies }, submitter }: {
    readonly report: AdmittedReport;
    /** The id of the submitter. */
    readonly submitter: number;
  },
): void {
  const isNew = authentication === "dkim" && file.change(sql.MARK_SENDER, submitter) > 0;
  if (way === "file") return;
  const day = dayNumber(receivedAt);
  file.change(sql.COUNT_ARRIVAL, day, submitter);
  if (isNew) file.change(sql.COUNT_TALLY, day, NEW_SENDERS, ALL_DOMAINS);
  if (authentication === "dkim") return;
  file.change(sql.COUNT_TALLY, day, UNSIGNED, ALL_DOMAINS);
  for (const domain of new Set(policies.map((policy) => policy.domain))) {
    const id = file.findWord(domain);
    if (id !== undefined) file.change(sql.COUNT_TALLY, day, UNSIGNED, id);
  }
}

/** As in `ReceivedStore.arrivals`. */
export function readLoad(
  file: ReceivedDb,
  { submitter, domains, at }: ArrivalQuery,
): ArrivalLoad {
  const day = dayNumber(at);
  const count = (text: string, ...values: (string | number)[]) =>
    countOf(file.one(text, day, ...values)?.count);
  return {
    ofSubmitter: count(sql.GET_ARRIVALS, submitter),
    unsigned: count(sql.GET_TALLY, UNSIGNED),
    unsignedOfDomain: Math.max(
      0,
      ...domains.map((domain) => count(sql.GET_DOMAIN_TALLY, UNSIGNED, domain)),
    ),
    isNew: file.one(sql.IS_SENDER, submitter) === undefined,
    newSenders: count(sql.GET_TALLY, NEW_SENDERS),
  };
}
