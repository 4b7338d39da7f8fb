/**
 * The paths of the HTTP surface of `report receive`.
 *
 * - `/`: our domains, the worst first, with `q`, `sort`, `dir`, `only` and `page`.
 * - `/domain/NAME`: what failed there, who says so, what to do, and what `check` sees now.
 * - `/metrics`: the counters and gauges, in the Prometheus text format.
 * - `/healthz`: the process is alive. `/readyz`: it can do its work; 503 if it cannot keep reports.
 *
 * Everything is read-only. Reports are not posted here.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error_text.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { cutText } from "../base/quote_text.ts";
import { VERSION } from "../base/version.ts";
import { withDeadline } from "../base/wait.ts";
import { type HttpReply, jsonReply } from "../http/reply.ts";
import { decodePathPart } from "../http/request.ts";
import { text } from "../http/server.ts";
import { describeVerdict, lastDays, lookBack, sumDays, summarize } from "../receive/summary.ts";
import type { ReceivedView } from "../receive/types.ts";
import type { SeenNow } from "../status/check_seen.ts";
import { createFrame } from "../status/page_frame.ts";
import type { Page } from "../status/page_frame.ts";
import {
  noSuchDomainPage,
  type ReceivedDomainFacts,
  receivedDomainPage,
  unreadableDomainPage,
} from "../status/received_domain_page.ts";
import { readReceivedListing } from "../status/received_list.ts";
import { readingPage, receivedPage } from "../status/received_page.ts";
import type { Site } from "../status/site.ts";
import { type CheckCache, createCheckCache } from "./check_cache.ts";
import type { ReceiverHealth } from "./received_health.ts";
import { declareReceivedMetrics } from "./received_metrics.ts";
import { createBreather, readInSlices } from "./received_rows.ts";
import { createOverview, type Overview, VERDICT_DAYS } from "./received_overview.ts";

/** Days of the chart, before today; no more than are read to say since when something fails. */
const CHART_DAYS = 30;

/** Reports that are listed: those of a day or two. */
const REPORTS_SHOWN = 25;

/** The longest wait for the counts of all domains, ms: half of what a connection may last. */
const READ_MS = 5000;

/** Characters of a path that are shown: the longest domain, and some. */
const NAME_MAX_CHARS = 300;

const DOMAIN_PREFIX = "/domain/";

/** What {@link createReceivedSite} shows. */
export interface ReceivedSiteOptions {
  /** Name of this machine. */
  readonly hostname: string;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly log: Pick<Log, "warn">;
  readonly metrics: Metrics;
  readonly view: ReceivedView;
  /** The entries of `received.domains`. */
  readonly domains: () => readonly string[];
  readonly health: () => ReceiverHealth;
  /** What to do, in the words of `check`. */
  readonly remedyOf: ReceivedDomainFacts["remedyOf"];
  /** Checks a domain as `check` does; `undefined` if nobody checks. */
  readonly checkNow: ((domain: string) => Promise<SeenNow>) | undefined;
  /** Lets other work run, between slices of reading. */
  readonly pause: () => Promise<void>;
}

/** Creates the handler of requests. */
export async function createReceivedSite(options: ReceivedSiteOptions): Promise<Site> {
  const { metrics, health } = options;
  const frame = await createFrame(VERSION);
  const overview = createOverview(options);
  const inTime = () => withDeadline(overview(), { ms: READ_MS, clock: options.clock });
  const checks = createCheckCache({ ...options, check: options.checkNow });
  const gauges = declareReceivedMetrics(metrics);
  return ({ path, query }) => {
    switch (path) {
      case "/":
        return inTime().then((read) =>
          frame(read === undefined ? readingPage(options.hostname) : showAll(query, read, options))
        );
      case "/metrics":
        return inTime().then((read) => {
          // If the store cannot be read, or not yet, what it said last stands.
          if (read !== undefined && read.fault === undefined) gauges.show(read.metrics);
          return { status: 200, type: "text/plain; version=0.0.4", body: metrics.render() };
        });
      case "/healthz":
        return jsonReply(200, { status: "alive" });
      case "/readyz":
        return readiness(health());
    }
    if (!path.startsWith(DOMAIN_PREFIX)) {
      return text(404, "Not found. There are /, /domain/NAME, /metrics, /healthz and /readyz.");
    }
    return showDomain(decodePathPart(path.slice(DOMAIN_PREFIX.length)), checks, options).then(
      frame,
    );
  };
}

function showAll(
  query: URLSearchParams,
  { readAt, fault, totals, entries }: Overview,
  { clock, hostname, health }: ReceivedSiteOptions,
): Page {
  return receivedPage({
    now: clock.now(),
    hostname,
    checks: health().checks,
    totals,
    days: VERDICT_DAYS,
    listing: readReceivedListing(query, entries),
    readAt,
    fault,
  });
}

async function showDomain(
  name: string,
  checks: CheckCache,
  options: ReceivedSiteOptions,
): Promise<Page> {
  const { clock, hostname, view, remedyOf } = options;
  const domain = options.domains().find((one) => one === name.toLowerCase());
  if (domain === undefined) return noSuchDomainPage(cutText(name, NAME_MAX_CHARS), hostname);
  const now = clock.now();
  const check = domain.startsWith("*.") ? { kind: "off" } as const : checks.look(domain);
  try {
    const week = { domain, ...lastDays(now, VERDICT_DAYS) };
    const all = { domain, since: lookBack(week.since), until: week.until };
    const breather = createBreather(options.pause);
    const rows = {
      outcomes: await readInSlices(view, { kind: "outcomes", breather, ...all }),
      problems: await readInSlices(view, { kind: "problems", breather, ...all }),
    };
    const summary = summarize(rows, week);
    return receivedDomainPage({
      now,
      hostname,
      summary,
      verdict: describeVerdict(summary),
      chart: sumDays(rows.outcomes, lastDays(now, CHART_DAYS)),
      reports: view.reports(domain, REPORTS_SHOWN),
      check,
      remedyOf,
    });
  } catch (error) {
    return unreadableDomainPage(domain, { hostname, reason: messageOf(error) });
  }
}

function readiness({ status, checks }: ReceiverHealth): HttpReply {
  const wrong = checks.filter((check) => check.status !== "ok").map(({ name }) => name);
  return jsonReply(status === "unready" ? 503 : 200, { status, wrong, checks });
}
