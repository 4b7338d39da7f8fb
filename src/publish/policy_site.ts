/**
 * The content of a policy host (RFC 8461 §3.3): at one path, as `text/plain`, the policy of the domain
 * whose policy host the request names. There is no redirect and no other file.
 *
 * The HTTP server takes care of connections, methods and limits.
 *
 * @module
 */

import { formatPeer } from "../http/peer.ts";
import type { HttpRequest } from "../http/request.ts";
import type { HttpExchange, HttpReply } from "../http/server.ts";
import type { Log } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { POLICY_PATH, policyHost } from "../sts/domain.ts";
import type { WatchedFiles } from "../base/watched_files.ts";

/** What {@link createPolicySite} needs. */
export interface PolicySiteOptions {
  readonly policies: Pick<WatchedFiles<Uint8Array>, "get">;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The site, as an HTTP server takes it. */
export interface PolicySite {
  handle(request: HttpRequest): HttpReply;
  /** Writes the access log and counts requests. */
  observe(exchange: HttpExchange): void;
  /** Counts a connection that lost its place to a newer one, or found none. */
  displaced(): void;
}

/** The statuses that occur. Their counters must exist before the first request. */
const STATUSES: readonly HttpReply["status"][] = [200, 400, 404, 405, 431, 500];

/** Without parameters: none has a meaning (RFC 8461 §3.2), and some senders accept none. */
const MEDIA_TYPE = "text/plain";

/** Creates the site. */
export function createPolicySite({ policies, log, metrics }: PolicySiteOptions): PolicySite {
  const requests = metrics.counter(
    "mta_sts_publish_requests_total",
    "Requests to the policy host, by status.",
    ["status"],
  );
  for (const status of STATUSES) requests.cell(String(status));
  const displaced = metrics.counter(
    "mta_sts_publish_displaced_total",
    "Idle connections that were closed to make room for a newer one, or that found no room.",
  ).cell();

  return {
    handle({ host, path, query }: HttpRequest): HttpReply {
      const domain = domainOfPolicyHost(host);
      const policy = path === POLICY_PATH && query.size === 0 && domain !== undefined
        ? policies.get(domain)
        : undefined;
      return policy === undefined
        ? { status: 404, type: MEDIA_TYPE, body: "There is no such policy.\n" }
        : { status: 200, type: MEDIA_TYPE, body: policy };
    },
    observe({ request, reply: { status, body }, peer }: HttpExchange): void {
      requests.cell(String(status)).value++;
      const { method, host, path } = request ?? {};
      const bytes = method === "HEAD" ? 0 : body.length;
      log.info("request", { peer: formatPeer(peer), method, host, path, status, bytes });
    },
    displaced(): void {
      displaced.value++;
    },
  };
}

/** The domain of a policy host; `undefined` for other hosts. */
export function domainOfPolicyHost(host: string): string | undefined {
  const label = policyHost("");
  return host.startsWith(label) ? host.slice(label.length) : undefined;
}
