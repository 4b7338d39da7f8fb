/**
 * Reports that are posted (RFC 8460 §5.4): at one path, in the two media types, as an HTTP server takes them.
 *
 * Nobody signs them, and the path stands in DNS for everybody to read. So it keeps out scanners only, and what comes in
 * here counts as unsigned.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Metric, Metrics } from "../base/metrics.ts";
import type { PostOptions } from "../http/post.ts";
import type { HttpRequest } from "../http/request.ts";
import { type HttpReply, text } from "../http/reply.ts";
import { TLS_STEPS } from "../http/tls_source.ts";
import type { Inbox, Taken } from "../receive/inbox.ts";
import type { Refusal } from "../receive/types.ts";
import { mediaTypes } from "../sts/media_type.ts";
import { GZIP_MAX_OCTETS } from "../tlsrpt/unpack.ts";

/** What {@link createReportPost} works with. */
export interface ReportPostOptions {
  readonly inbox: Inbox;
  /** Takes what was kept to where it survives a power cut: the sender does not send it again. */
  readonly settle: () => void;
  /** The path after its slash; `undefined` takes nothing. */
  readonly token: () => string | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** What an HTTP server does with each request. */
export interface ReportPost {
  /** Answers GET and HEAD. */
  handle(request: HttpRequest): HttpReply;
  readonly post: PostOptions;
}

/** The media types of reports (RFC 8460 §6.4, §6.5). */
const MEDIA_TYPES: readonly string[] = ["application/tlsrpt+gzip", "application/tlsrpt+json"];

/** Where the comparison of paths ends, octets: the longest token, and some. */
const PATH_OCTETS = 160;

/** After a fault of the store, senders are asked to wait this long, s. They try for a day (RFC 8460 §5.4). */
const RETRY_AFTER_S = 600;

const STATUSES: Readonly<Record<Refusal, HttpReply["status"]>> = {
  "unreadable": 400,
  "unsigned": 403,
  "unsigned-refused": 403,
  "foreign": 422,
  "unidentified": 422,
  "out-of-range": 422,
  "too-many": 429,
};

/** Statuses that occur besides; see `http/server.ts` and `http/post.ts`. */
const OTHER_STATUSES: readonly HttpReply["status"][] = [
  ...[200, 201, 404, 405, 411, 413, 415, 431, 500, 503] as const,
];

/** What is counted of posts. */
export interface PostMeters {
  /** With the status as its label. */
  readonly requests: Metric;
  /** With the step as its label. */
  readonly tlsFailures: Metric;
}

/** Declares the metrics. The counters exist before the first request. */
export function declarePostMetrics(metrics: Metrics): PostMeters {
  const requests = metrics.counter(
    "mta_sts_received_requests_total",
    "Requests to the address where reports are posted, by status.",
    ["status"],
  );
  for (const status of new Set([...OTHER_STATUSES, ...Object.values(STATUSES)])) {
    requests.cell(String(status));
  }
  const tlsFailures = metrics.counter(
    "mta_sts_received_tls_failures_total",
    "Connections to the address where reports are posted on which TLS failed, by step.",
    ["step"],
  );
  for (const step of TLS_STEPS) tlsFailures.cell(step);
  return { requests, tlsFailures };
}

/** Creates the handlers. */
export function createReportPost({ inbox, settle, token, now }: ReportPostOptions): ReportPost {
  const isTokenPath = (path: string) => {
    const wanted = token();
    return wanted !== undefined && areEqual(path, `/${wanted}`);
  };
  return {
    handle({ path }): HttpReply {
      if (!isTokenPath(path)) return text(404, "Not found.");
      return {
        ...text(405, "TLS reports are posted here (RFC 8460)."),
        headers: { allow: "POST" },
      };
    },
    post: {
      maxBodyOctets: GZIP_MAX_OCTETS,
      judge({ path }, contentType): HttpReply | undefined {
        if (!isTokenPath(path)) return text(404, "Not found.");
        const [type = "", ...others] = mediaTypes(contentType);
        return others.length === 0 && MEDIA_TYPES.includes(type)
          ? undefined
          : text(415, `The media type is none of ${MEDIA_TYPES.join(" and ")}.`);
      },
      async handle(_request, body): Promise<HttpReply> {
        const taken = await inbox({ octets: body, way: "https", at: now() });
        settle();
        return replyTo(taken);
      },
    },
  };
}

function replyTo(taken: Taken): HttpReply {
  switch (taken.kind) {
    case "kept":
      return text(201, "The report is kept.");
    case "duplicate":
      return text(200, "The report has already been received.");
    case "changed":
      return text(200, "Another report with this id has already been received.");
    case "refused":
      return text(STATUSES[taken.refusal], `The report was refused: ${taken.text}.`);
    case "full":
    case "later":
      return {
        ...text(503, "Reports cannot be kept now."),
        headers: { "retry-after": String(RETRY_AFTER_S) },
      };
  }
}

/** In a time that depends on neither. */
function areEqual(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => {
    const octets = Buffer.alloc(PATH_OCTETS);
    octets.write(text, "latin1");
    return octets;
  });
  return timingSafeEqual(first!, second!) && one.length === other.length;
}
