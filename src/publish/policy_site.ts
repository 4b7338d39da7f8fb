/**
 * What a policy host answers (RFC 8461 §3.3): the policy of the domain whose `mta-sts` host is
 * asked, at one path, as `text/plain`. There is nothing else to have: no redirect, no other file.
 *
 * Connections, methods and limits are the affair of the HTTP server this is handed to.
 *
 * @module
 */

import type { HttpRequest } from "../http/request.ts";
import type { HttpExchange, HttpReply } from "../http/server.ts";
import type { Log, Metrics } from "../base/telemetry.ts";
import { policyHost } from "../sts/domain.ts";
import type { WatchedFiles } from "./watched_files.ts";

/** What the site works with. */
export interface PolicySiteOptions {
  readonly policies: Pick<WatchedFiles<Uint8Array>, "get">;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The site, for an HTTP server. */
export interface PolicySite {
  handle(request: HttpRequest): HttpReply;
  /** Writes the access log and counts. */
  observe(exchange: HttpExchange): void;
  /** Counts a connection that lost its place to another, or found none. */
  displaced(): void;
}

/** The statuses that occur, for counters that must exist before the first request. */
const STATUSES: readonly HttpReply["status"][] = [200, 400, 404, 405, 431, 500];

const PATH = "/.well-known/mta-sts.txt";

/** To the letter: RFC 8461 §3.2 knows no parameters that would mean anything, and some senders none at all. */
const MEDIA_TYPE = "text/plain";

/** Creates the site. */
export function createPolicySite({ policies, log, metrics }: PolicySiteOptions): PolicySite {
  const requests = metrics.counter(
    "mta_sts_publish_requests_total",
    "Requests to the policy host, by status of the reply.",
    ["status"],
  );
  for (const status of STATUSES) requests.cell(String(status));
  const displaced = metrics.counter(
    "mta_sts_publish_displaced_total",
    "Connections that waited for their client and lost their place to a newer one, or found none.",
  ).cell();

  return {
    handle({ host, path, query }: HttpRequest): HttpReply {
      const domain = domainOfPolicyHost(host);
      const policy = path === PATH && query.size === 0 && domain !== undefined
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

/** An address as it stands in the log; a socket file has none. */
export function formatPeer(peer: Deno.Addr | undefined): string | undefined {
  return peer?.transport === "tcp" ? `${peer.hostname}:${peer.port}` : undefined;
}
