/**
 * The HTTP surface of the report daemon: a page, metrics and health.
 *
 * @module
 */

import type { Aggregator } from "../collect/aggregator.ts";
import { jsonReply } from "../http/reply.ts";
import { text } from "../http/server.ts";
import { VERSION } from "../base/version.ts";
import { dayOf } from "../reports/report_id.ts";
import { createFrame } from "../status/page_frame.ts";
import type { Site } from "../status/site.ts";
import type { ReportContext } from "./report_context.ts";
import type { Delivery } from "./report_delivery.ts";
import { checkReports, type ReportHealthContext } from "./report_health.ts";
import { serveSites } from "./serve_site.ts";
import { LISTED_DELIVERIES, type ReportFacts, reportPage } from "./report_page.ts";

/** What {@link openReportHttp} works with. */
export interface ReportHttpOptions {
  readonly context: ReportContext;
  readonly aggregator: Pick<Aggregator, "size">;
  readonly delivery: Pick<Delivery, "keyMistake" | "describeMail">;
}

/** What {@link createReportSite} shows. */
export interface ReportSiteOptions extends Omit<ReportHttpOptions, "context"> {
  readonly context: ReportHealthContext & Pick<ReportContext, "metrics">;
}

/**
 * For so long the page shows the same counts, ms: counting the rows of a day of 200,000 domains takes a fifth of a
 * second, and datagrams wait meanwhile.
 */
const COUNTS_MS = 10_000;

/**
 * Opens the HTTP surface on all addresses of the configuration.
 *
 * @returns A function that closes it.
 * @throws {Error} If an address cannot be used; with one line for the operator.
 */
export async function openReportHttp(options: ReportHttpOptions): Promise<() => void> {
  const { context } = options;
  const { clock, log } = context;
  declareGauges(options);
  const site = await createReportSite(options);
  const { report: { http }, socketMode } = context.config();
  return await serveSites(http, { site, socketMode, clock, log });
}

/** Creates the handler of requests. */
export async function createReportSite(options: ReportSiteOptions): Promise<Site> {
  const { context, aggregator, delivery } = options;
  const frame = await createFrame(VERSION);
  const readDays = createDayReader(context);
  return ({ path }) => {
    switch (path) {
      case "/":
        return frame(reportPage({
          now: context.clock.now(),
          hostname: Deno.hostname(),
          checks: checkReports(context, delivery),
          mail: delivery.describeMail(),
          kernelQueue: kernelQueueOf(context),
          held: aggregator.size,
          days: readDays(),
        }));
      case "/metrics":
        return {
          status: 200,
          type: "text/plain; version=0.0.4",
          body: context.metrics.render(),
        };
      case "/healthz":
        return jsonReply(200, { status: "alive" });
      case "/readyz": {
        const checks = checkReports(context, delivery);
        const wrong = checks.filter(({ status }) => status !== "ok").map(({ name }) => name);
        return jsonReply(200, { status: wrong.length > 0 ? "degraded" : "ready", wrong, checks });
      }
    }
    return text(404, "Not found. There are /, /metrics, /healthz and /readyz.");
  };
}

/** Reads yesterday and today; within {@link COUNTS_MS}, what was read last. */
function createDayReader(
  { store, clock }: ReportHealthContext,
): () => ReportFacts["days"] {
  let last: { at: number; today: number; days: ReportFacts["days"] } | undefined;
  return () => {
    const now = clock.now();
    const today = dayOf(now);
    if (last === undefined || last.today !== today || now - last.at >= COUNTS_MS) {
      last = { at: now, today, days: read(today) };
    }
    return last.days;
  };

  function read(today: number): ReportFacts["days"] {
    try {
      return {
        yesterday: store.overview({ day: today - 1, limit: LISTED_DELIVERIES }),
        today: store.overview({ day: today, limit: 0 }),
      };
    } catch {
      // The check of the file says why.
      return undefined;
    }
  }
}

/** As measured when the socket was opened. */
function kernelQueueOf({ metrics }: Pick<ReportContext, "metrics">): number | undefined {
  const value = metrics.samples("mta_sts_report_kernel_queue_length")[0]?.value;
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

function declareGauges({ context: { metrics, store }, aggregator }: ReportHttpOptions): void {
  const orNothing = (read: () => number) => () => {
    try {
      return read();
    } catch {
      return NaN;
    }
  };
  metrics.gaugeFn(
    "mta_sts_report_keys_held",
    "Sums that wait in memory for the report file.",
    () => aggregator.size,
  );
  metrics.gaugeFn(
    "mta_sts_report_days_open",
    "Days that are counted or not closed yet; more than two mean that closing is stuck.",
    orNothing(() => store.days().filter(({ state }) => state !== "closed").length),
  );
  metrics.gaugeFn(
    "mta_sts_report_deliveries_waiting",
    "Reports of closed days that are not sent yet.",
    orNothing(() => store.deliveries().get("due") ?? 0),
  );
  metrics.gaugeFn(
    "mta_sts_report_oldest_due_timestamp_seconds",
    "When the report that waits longest is or was due; 0 if none waits.",
    orNothing(() => (store.firstDue() ?? 0) / 1000),
  );
}
