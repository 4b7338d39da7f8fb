/**
 * Handles each arrival: has `admission.ts` judge it, stores it, counts it and logs it. Mail, HTTPS and import all come
 * through here.
 *
 * @module
 */

import { DAY_MS } from "./days.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Admit } from "./admission.ts";
import type { Arrival, Keeping, ReceivedStore, Refusal, Way } from "./types.ts";

/** What became of an arrival. */
export type Taken =
  | { readonly kind: Keeping }
  /** Not believed. `text` is the end of a sentence. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly text: string }
  /** Cannot be decided yet. */
  | { readonly kind: "later"; readonly text: string };

/** What {@link createInbox} works with. */
export interface InboxOptions {
  /** Judges; see `admission.ts`. */
  readonly admit: Admit;
  /** Keeps what is believed. */
  readonly store: Pick<ReceivedStore, "add">;
  /** Has a line for each arrival that is decided. */
  readonly log: Log;
  /** Counts arrivals by what became of them. */
  readonly metrics: Metrics;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Takes in one arrival. Never rejects. */
export type Inbox = (arrival: Arrival) => Promise<Taken>;

/**
 * For so long after its delivery a mail waits for DNS, ms: mail servers give up after five days, too. Its signature
 * expires in a week or two.
 */
const WAITS_MS = 5 * DAY_MS;

/**
 * For so long a mail is tried in any case, ms: a daemon that was off for a week, or whose DNS is not there yet after a
 * start, must not refuse all that came meanwhile.
 */
const TRIED_MS = DAY_MS;

const WAYS: readonly Way[] = ["mail", "https", "file"];

/** All results; their counters exist before the first arrival. */
const RESULTS: readonly (Keeping | Refusal | "later")[] = [
  ...["kept", "duplicate", "changed", "full", "later"] as const,
  ...["unreadable", "unsigned", "unsigned-refused", "foreign"] as const,
  ...["unidentified", "out-of-range", "too-many"] as const,
];

/** Creates the inbox. */
export function createInbox({ admit, store, log, metrics, now }: InboxOptions): Inbox {
  const counter = metrics.counter(
    "mta_sts_received_reports_total",
    "Reports that came in, by way and result.",
    ["way", "result"],
  );
  for (const way of WAYS) for (const result of RESULTS) counter.cell(way, result);

  async function decide(arrival: Arrival): Promise<Taken> {
    const admission = await admit(arrival);
    const { way, fileName: file } = arrival;
    if (admission.kind === "admitted") {
      const { report } = admission;
      const kind = store.add(report);
      const { submitter, reportId, authentication } = report;
      const domains = [...new Set(report.policies.map(({ domain }) => domain))].join(" ");
      log.info("report received", {
        way,
        result: kind,
        submitter,
        authentication,
        domains,
        id: reportId,
      });
      return { kind };
    }
    const { text } = admission;
    if (admission.kind === "later") {
      const { at, triedSince = now() } = arrival;
      if (now() - at < WAITS_MS || now() - triedSince < TRIED_MS) return admission;
      const given = `${text}, and it came more than five days ago`;
      log.info("report refused", { way, file, refusal: "unsigned", reason: given });
      return { kind: "refused", refusal: "unsigned", text: given };
    }
    log.info("report refused", { way, file, refusal: admission.refusal, reason: text });
    return admission;
  }

  return async (arrival) => {
    const taken = await decide(arrival);
    counter.cell(arrival.way, taken.kind === "refused" ? taken.refusal : taken.kind).value++;
    return taken;
  };
}
