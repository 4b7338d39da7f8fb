/**
 * Fetches a policy file (RFC 8461 §3.3): one GET of `https://mta-sts.<domain>/.well-known/mta-sts.txt`, without
 * redirects, without a cache, bounded in time and size, and never from a host inside our own network.
 *
 * It neither parses a policy nor decides about it. The caller decides about another try.
 *
 * The addresses are looked up and judged here, and a relay leads `fetch` to one of them, whatever the system's
 * resolver would say about the name. A proxy of the operator looks the name up itself.
 *
 * @module
 */

import type { Metrics } from "../base/metrics.ts";
import { isTextPlain } from "../sts/media_type.ts";
import { POLICY_MAX_BYTES } from "../sts/policy.ts";
import type { FindOptions } from "./addresses.ts";
import { classifyFetchError, QUOTE_MAX_LENGTH } from "./classify.ts";
import type { Dial } from "./connect.ts";
import { createFetchLimits, type FetchLimitOptions, type FetchLimits } from "./fetch_limits.ts";
import { quoteText } from "../base/quote_text.ts";
import { createLookAhead } from "./look_ahead.ts";
import { findPlace, reachHost, type Run } from "./reach.ts";
import type { Relay } from "./relay.ts";
import type { FailedFetch, FetchOutcome, FetchPolicy, FetchTrace } from "./types.ts";
import type { FetchFailure } from "../sts/fetch_failure.ts";
import { FETCH_FAILURES } from "../sts/fetch_failure.ts";
import { policyHost, policyUrl } from "../sts/domain.ts";

/** Only the end of the connection ends such a body. The platform accepts it only after TLS's close_notify. */
const UNFRAMED_CUT = "connection ended without TLS close_notify, so the body may have been cut off";

/** Statuses that send the client elsewhere. Any other 3xx is as wrong as any status but 200. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Upper bounds of the histogram, seconds. A fetch takes a few round trips, at worst the deadline. */
const SECONDS_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What {@link createPolicyFetcher} needs. */
export interface PolicyFetcherOptions extends FetchLimitOptions, FindOptions {
  /** Makes the request; from `createPolicyClient`. Whoever created it closes it. */
  readonly client: Deno.HttpClient;
  /** The relay that `client` uses, and how to connect to an address. Without it, a proxy does both by itself. */
  readonly direct?: { readonly relay: Relay; readonly dial: Dial };
  /** One deadline for DNS, the wait for a place, connecting, TLS and the body, ms (RFC 8461 §3.3). */
  readonly timeout: number;
  /** Where fetches are counted and timed. */
  readonly metrics: Metrics;
}

/** Creates the fetcher. It never rejects, and it ends within the deadline. */
export function createPolicyFetcher(options: PolicyFetcherOptions): FetchPolicy {
  const { clock, timeout } = options;
  const limits = createFetchLimits(options);
  const early = { count: 0 };
  const count = declareMetrics(options.metrics, limits);
  const lookAhead = createLookAhead(options);

  const fetchPolicy: FetchPolicy = async (
    domain,
    { signal, trace = { url: "", addresses: [], refused: [] }, turn } = {},
  ) => {
    const start = clock.now();
    const controller = new AbortController();
    const giveUp = () => controller.abort("given up");
    const late = () => controller.abort(`deadline of ${timeout / 1000} s passed`);
    const cancelTimer = clock.setTimer(late, timeout);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    const host = policyHost(domain);
    trace.url = policyUrl(domain);
    const end = (reason: string) => controller.abort(reason);
    const giveWay = () => end("another fetch needed the place");
    const run: Run = {
      ...{ host, trace, signal: controller.signal, end, giveWay, turn },
      ...{ phase: "DNS", releases: [], isOver: false },
    };
    const outcome = await fetchToValue(
      run,
      { ...options, limits, lookup: lookAhead.find(host) },
      early,
    );
    cancelTimer();
    signal?.removeEventListener("abort", giveUp);
    run.isOver = true;
    for (const release of run.releases) release();
    // Nobody needs what still runs, such as the look-up of the other address family.
    end("done");
    trace.elapsed = clock.now() - start;
    count(outcome, trace.elapsed);
    return outcome;
  };
  fetchPolicy.prepare = (domain) => lookAhead.begin(policyHost(domain));
  return fetchPolicy;
}

function declareMetrics(
  metrics: Metrics,
  limits: FetchLimits,
): (outcome: FetchOutcome, elapsed: number) => void {
  const fetches = metrics.counter(
    "mta_sts_policy_fetches_total",
    "Fetches of policy files by result: fetched, or why not.",
    ["result"],
  );
  // Whoever parses the text judges its syntax.
  const failures = FETCH_FAILURES.filter((reason) => reason !== "policy-syntax");
  for (const result of ["fetched", ...failures]) fetches.cell(result);
  const seconds = metrics.histogram(
    "mta_sts_policy_fetch_seconds",
    "Time from the start of a fetch of a policy file to its outcome.",
    SECONDS_BOUNDS,
  );
  metrics.gaugeFn(
    "mta_sts_policy_fetches_running",
    "Requests for policy files under way.",
    limits.running,
  );
  return (outcome, elapsed) => {
    fetches.cell(outcome.kind === "fetched" ? "fetched" : outcome.reason).value++;
    seconds.observe(elapsed / 1000);
  };
}

/** Fetches. Whatever is thrown becomes a failure, and a failure after the deadline or an abort becomes a time-out. */
async function fetchToValue(
  run: Run,
  options: PolicyFetcherOptions & { readonly limits: FetchLimits },
  early: { count: number },
): Promise<FetchOutcome> {
  let outcome: FetchOutcome;
  try {
    outcome = await fetchGuarded(run, options, early);
  } catch (error) {
    outcome = run.phase === "the body"
      ? failed("body", run.isUnframed ? UNFRAMED_CUT : "body is incomplete or cannot be decoded")
      : { kind: "failed", ...classifyFetchError(error) };
  }
  if (outcome.kind === "failed" && run.failure !== undefined) return run.failure;
  return outcome.kind === "failed" && run.signal.aborted
    ? failed("timeout", `${run.signal.reason} while waiting for ${run.phase}`)
    : outcome;
}

async function fetchGuarded(
  run: Run,
  options: PolicyFetcherOptions & { readonly limits: FetchLimits },
  early: { count: number },
): Promise<FetchOutcome> {
  const { direct, client, concurrency } = options;
  if (direct === undefined) {
    const found = await findPlace(run, options);
    if (found.kind === "failed") return found;
    run.phase = "an answer";
    return await request(run, client);
  }
  run.phase = "a free place";
  const connect = () => reachHost(run, { ...options, ...direct });
  const pin = await direct.relay.pin(run.host, { connect, signal: run.signal });
  if (pin === undefined) return failed("timeout", "another fetch from the host has not ended");
  const isEarly = early.count < concurrency;
  early.count += isEarly ? 1 : 0;
  try {
    if (!isEarly) {
      const reached = await pin.connecting;
      if (reached.kind === "failed") return reached;
    }
    return await request(run, client);
  } finally {
    early.count -= isEarly ? 1 : 0;
    pin.release();
  }
}

async function request(run: Run, client: Deno.HttpClient): Promise<FetchOutcome> {
  const response = await fetch(run.trace.url, {
    client,
    redirect: "manual",
    signal: run.signal,
    // Without content codings a body cannot grow while it is decoded.
    headers: {
      "accept": "text/plain",
      "accept-encoding": "identity",
      "user-agent": "mta-sts-resolver",
    },
  });
  try {
    return judgeHead(response, run.trace) ?? await readBody(response, run);
  } finally {
    // Ends the connection if the head alone made us refuse the response.
    if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
  }
}

/** What is wrong with the head of the response (RFC 8461 §3.2, §3.3); `undefined` if nothing is. */
function judgeHead(response: Response, trace: FetchTrace): FailedFetch | undefined {
  const { status, headers } = response;
  trace.status = status;
  if (REDIRECTS.includes(status)) {
    const location = quoteText(headers.get("location") ?? "", QUOTE_MAX_LENGTH);
    return failed("redirect", `HTTP status ${status}, to ${location}`);
  }
  if (status !== 200) return failed("status", `HTTP status ${status}`);
  const encoding = headers.get("content-encoding") ?? "";
  if (!["", "identity"].includes(encoding.toLowerCase())) {
    const quoted = quoteText(encoding, QUOTE_MAX_LENGTH);
    return failed("encoding", `content coding ${quoted}, though identity was asked for`);
  }
  const mediaType = headers.get("content-type") ?? "";
  trace.mediaType = mediaType.slice(0, QUOTE_MAX_LENGTH);
  if (!isTextPlain(mediaType)) {
    const quoted = quoteText(mediaType, QUOTE_MAX_LENGTH);
    return failed("media-type", `media type is ${quoted}, not "text/plain"`);
  }
  const length = headers.get("content-length") ?? "0";
  if (/^[0-9]+$/.test(length) && parseInt(length, 10) > POLICY_MAX_BYTES) return tooLarge();
  return undefined;
}

async function readBody(response: Response, run: Run): Promise<FetchOutcome> {
  run.phase = "the body";
  // No policy begins with a BOM (RFC 8461 §3.2), so the parser must see it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  if (endsByItself(response.headers)) {
    const body = await response.bytes();
    return { kind: "fetched", text: decoder.decode(body), bytes: body.length };
  }
  run.isUnframed = !["content-length", "transfer-encoding"].some((name) =>
    response.headers.has(name)
  );
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > POLICY_MAX_BYTES) return tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return { kind: "fetched", text: text + decoder.decode(), bytes };
}

/**
 * Whether the Content-Length, which {@link judgeHead} has let pass, ends the body: then HTTP reads no further.
 * It does not if there is another framing. If Deno undoes a content coding, it removes the header.
 */
function endsByItself(headers: Headers): boolean {
  return /^[0-9]+$/.test(headers.get("content-length") ?? "") && !headers.has("transfer-encoding");
}

function tooLarge(): FailedFetch {
  return failed("too-large", `body is above ${POLICY_MAX_BYTES} bytes`);
}

function failed(reason: FetchFailure, detail: string): FailedFetch {
  return { kind: "failed", reason, detail };
}
