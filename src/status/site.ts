/**
 * The paths of the HTTP surface.
 *
 * - `/`: the status page, with `q`, `sort`, `dir`, `page` and `only` for its list of domains.
 * - `/domain/NAME`: the page of a domain.
 * - `/metrics`: the counters, in the Prometheus text format.
 * - `/healthz`: the process is alive. `/readyz`: it can do its work.
 *
 * Everything is read-only, and each reply is bounded in size and in the time it takes.
 *
 * @module
 */

import type { DomainStore, PolicyLists } from "../cache/types.ts";
import type { FleetStatus } from "../fleet/status.ts";
import type { Resolver } from "../resolver/resolver.ts";
import { toDomainName } from "../sts/domain.ts";
import type { AnswerCounts } from "./answer_counts.ts";
import type { Deferrals } from "./deferrals.ts";
import type { Problems } from "./problems.ts";
import { domainPage } from "./domain_page.ts";
import type { ExceptionState } from "./exception_watch.ts";
import type { HealthReport } from "./health.ts";
import type { History, Span } from "./history.ts";
import type { Html } from "../http/html.ts";
import { decodePathPart, type HttpRequest, isLocalHost } from "../http/request.ts";
import { jsonReply } from "../http/reply.ts";
import { type HttpReply, text } from "../http/server.ts";
import { readListing } from "./listing.ts";
import { createFrame } from "./page_frame.ts";
import type { Page } from "./page_frame.ts";
import type { RecentEvents } from "./recent_events.ts";
import { statusPage } from "./status_page.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Warnings } from "../base/warnings.ts";
import { formatCount, formatDuration, formatMegabytes } from "./wording.ts";

/** Warnings on the status page: few, so that the list of domains stays in view. The log has them all. */
const SHOWN_WARNINGS = 8;

const DOMAIN_PREFIX = "/domain/";

/** What {@link createSite} shows. */
export interface SiteOptions {
  readonly version: string;
  /** Current time and when the process started, ms. */
  readonly now: () => number;
  readonly startedAt: number;
  readonly metrics: Pick<Metrics, "render" | "samples">;
  readonly store:
    & Pick<DomainStore, "getFailure" | "getPolicy">
    & Pick<PolicyLists, "listPage" | "latestFailures" | "count" | "countHeldOff">;
  readonly warnings: Pick<Warnings, "recent">;
  readonly history: Pick<History, "hour" | "day">;
  readonly events: RecentEvents;
  /** The exceptions of the configuration. */
  readonly exceptions: () => readonly ExceptionState[];
  /** The engine that a fleet shares; `undefined` if there is none. */
  readonly fleet?: () => FleetStatus | undefined;
  readonly deferrals: Pick<Deferrals, "of">;
  readonly problems: Pick<Problems, "list">;
  readonly counts: Pick<AnswerCounts, "settle" | "of">;
  /** Name of this machine. */
  readonly hostname: string;
  readonly health: () => Promise<HealthReport>;
  /** What the running resolver knows of a domain. */
  readonly report: Resolver["report"];
}

/** The function that answers a request. */
export type Site = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

/** Answers only requests for an IP address or `localhost`, for a server on a loopback address. */
export function forLocalNames(site: Site): Site {
  const refusal =
    "Only requests for an IP address or localhost are answered here. A proxy must use a UNIX socket.";
  return (request) => isLocalHost(request.host) ? site(request) : text(421, refusal);
}

/** Creates the handler of requests. */
export async function createSite(options: SiteOptions): Promise<Site> {
  const { metrics } = options;
  const frame = await createFrame(options.version);
  return ({ path, query }) => {
    switch (path) {
      case "/":
        return showStatus(query, options).then(frame);
      case "/metrics":
        return { status: 200, type: "text/plain; version=0.0.4", body: metrics.render() };
      case "/healthz":
        return jsonReply(200, { status: "alive", uptime_seconds: uptime(options) / 1000 });
      case "/readyz":
        return options.health().then(readiness);
    }
    if (path.startsWith(DOMAIN_PREFIX)) {
      const domain = toDomainName(decodePathPart(path.slice(DOMAIN_PREFIX.length)));
      if (domain === undefined) return text(404, "Not a domain name.");
      return frame(showDomain(domain, options));
    }
    return text(404, "Not found. The status page is at /.");
  };
}

async function showStatus(query: URLSearchParams, options: SiteOptions): Promise<Page> {
  const { now, store, events, hostname, counts } = options;
  const health = await options.health();
  const hour = options.history.hour();
  counts.settle();
  return statusPage({
    now: now(),
    hostname,
    health,
    problems: options.problems.list(),
    figures: figuresOf(hour, options),
    hour,
    day: options.history.day(),
    listing: readListing(query, { store, events, counts }),
    exceptions: options.exceptions(),
    fleet: options.fleet?.(),
    warnings: options.warnings.recent(SHOWN_WARNINGS),
  });
}

function showDomain(domain: string, options: SiteOptions): Page {
  const { now, store, events, hostname, counts } = options;
  const stored = store.getPolicy(domain);
  counts.settle();
  return domainPage({
    now: now(),
    hostname,
    domain,
    report: options.report(domain),
    lastUsedAt: stored.kind === "found" ? stored.policy.lastUsedAt : undefined,
    steps: events.steps(domain),
    deferrals: options.deferrals.of(domain),
    answers: counts.of(domain),
    isShared: options.fleet?.() !== undefined,
  });
}

/** The report as JSON. `wrong` names the checks that are not `ok`, for a quick look. */
function readiness({ status, checks }: HealthReport): HttpReply {
  const wrong = checks.filter((check) => check.status !== "ok").map(({ name }) => name);
  return jsonReply(status === "unready" ? 503 : 200, { status, wrong, checks });
}

function figuresOf(hour: Span, options: SiteOptions): [string, string | Html][] {
  const { metrics, store, now } = options;
  const deferred = hour.slots.reduce((sum, { temp }) => sum + temp, 0);
  const connections = metrics.samples("mta_sts_connections")[0]?.value ?? 0;
  return [
    ["policies cached", formatCount(store.count())],
    ["deferred in the last hour", formatCount(deferred)],
    ["policy hosts held off", formatCount(store.countHeldOff(now()))],
    ["connections from Postfix", formatCount(connections)],
    ["memory", formatMegabytes(Deno.memoryUsage().rss)],
    ["since start", formatDuration(uptime(options))],
  ];
}

function uptime({ now, startedAt }: SiteOptions): number {
  return Math.max(0, Math.round(now() - startedAt));
}
