/**
 * Posts a TLS report (RFC 8460 §5.4): to port 443 of a host that strangers chose, so never to a host inside our own
 * network, without redirects, bounded in time, and with no more of the answer read than says that there was one.
 *
 * Addresses are looked up and judged as for a policy host (`reach.ts`), and the certificate must be valid for the name:
 * RFC 8460 would let us ignore it, but a report says what an attacker wants to know.
 *
 * Decides nothing about what an answer means.
 *
 * @module
 */

import { classifyFetchError } from "./classify.ts";
import type { Dial } from "./connect.ts";
import { createFetchLimits, type FetchLimitOptions, type FetchLimits } from "./fetch_limits.ts";
import { findPlace, reachHost, type Run } from "./reach.ts";
import type { FindOptions } from "./addresses.ts";
import type { Relay } from "./relay.ts";
import type { FailedFetch } from "./types.ts";

/** One deadline over everything, ms. */
const TIMEOUT_MS = 30_000;

/** Octets of the answer's body that are read, so that a polite host is not cut off; nobody looks at them. */
const REPLY_MAX_OCTETS = 4096;

/** What {@link createReportPoster} needs. */
export interface ReportPosterOptions extends FetchLimitOptions, FindOptions {
  /** Makes the request; from `createPolicyClient`. */
  readonly client: Deno.HttpClient;
  /** Where `client` leads, and how to connect to an address; without it there is a proxy that does both by itself. */
  readonly direct?: { readonly relay: Relay; readonly dial: Dial };
}

/** What a POST came to. */
export type PostResult =
  | { readonly kind: "answered"; readonly status: number }
  | FailedFetch;

/** One report on its way. */
export interface Post {
  /** An HTTPS URL without a port. */
  readonly url: string;
  /** The media type of the body. */
  readonly type: string;
  /** The octets of the request's body, sent as they are. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Posts a report. Never rejects. */
export type PostReport = (post: Post) => Promise<PostResult>;

/**
 * Creates the function that posts. It never rejects and ends within 30 s. Posts to one host take turns.
 */
export function createReportPoster(options: ReportPosterOptions): PostReport {
  const { clock } = options;
  const limits = createFetchLimits(options);
  return async (post) => {
    const controller = new AbortController();
    const end = (reason: string) => controller.abort(reason);
    const cancelTimer = clock.setTimer(
      () => end(`deadline of ${TIMEOUT_MS / 1000} s passed`),
      TIMEOUT_MS,
    );
    const { hostname: host, port } = new URL(post.url);
    const run: Run = {
      ...{ host, trace: { url: post.url, addresses: [], refused: [] }, signal: controller.signal },
      // A report has waited for hours already: nobody needs its place more than it does.
      ...{ end, giveWay() {}, turn: undefined },
      ...{ phase: "DNS", releases: [], isOver: false },
    };
    const result = port === ""
      ? await postToValue(run, post, { ...options, limits })
      : failed("a port other than 443");
    cancelTimer();
    run.isOver = true;
    for (const release of run.releases) release();
    end("done");
    return result;
  };
}

/** Turns whatever is thrown, and any failure after the end of the time, into the value that says so. */
async function postToValue(
  run: Run,
  post: Post,
  options: ReportPosterOptions & { readonly limits: FetchLimits },
): Promise<PostResult> {
  let result: PostResult;
  try {
    result = await postGuarded(run, post, options);
  } catch (error) {
    result = { kind: "failed", ...classifyFetchError(error) };
  }
  if (result.kind === "answered") return result;
  if (run.failure !== undefined) return run.failure;
  return run.signal.aborted
    ? { ...failed(`${run.signal.reason} while waiting for ${run.phase}`), reason: "timeout" }
    : result;
}

async function postGuarded(
  run: Run,
  post: Post,
  options: ReportPosterOptions & { readonly limits: FetchLimits },
): Promise<PostResult> {
  const { direct, client } = options;
  if (direct === undefined) {
    const found = await findPlace(run, options);
    if (found.kind === "failed") return found;
    run.phase = "an answer";
    return await request(run, post, client);
  }
  run.phase = "a free place";
  const connect = () => reachHost(run, { ...options, ...direct });
  const pin = await direct.relay.pin(run.host, { connect, signal: run.signal });
  if (pin === undefined) return failed("another report to the host has not ended");
  try {
    // A host that may not be connected to gets no request, not even one that would fail.
    const reached = await pin.connecting;
    return reached.kind === "failed" ? reached : await request(run, post, client);
  } finally {
    pin.release();
  }
}

async function request(
  run: Run,
  { url, type, body }: Post,
  client: Deno.HttpClient,
): Promise<PostResult> {
  const response = await fetch(url, {
    method: "POST",
    body,
    client,
    redirect: "manual",
    signal: run.signal,
    headers: {
      "content-type": type,
      "accept-encoding": "identity",
      "user-agent": "mta-sts-resolver",
    },
  });
  await drain(response);
  return { kind: "answered", status: response.status };
}

/** Reads a short body, and ends the connection of any other. The status has said everything. */
async function drain(response: Response): Promise<void> {
  let octets = 0;
  try {
    for await (const chunk of response.body ?? []) {
      octets += chunk.length;
      if (octets > REPLY_MAX_OCTETS) return;
    }
  } catch {
    // The host has taken the report before it went away.
  }
}

function failed(detail: string): FailedFetch {
  return { kind: "failed", reason: "connect", detail };
}
