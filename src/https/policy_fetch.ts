/**
 * Fetches a policy file (RFC 8461 §3.3): one GET of
 * `https://mta-sts.<domain>/.well-known/mta-sts.txt`, without redirects, without a cache,
 * bounded in time and size, and never to a host inside our own network.
 *
 * Decides nothing about policies and does not parse them; a later try is the caller's affair.
 *
 * The addresses are looked up here first, yet `fetch` looks the name up once more by itself,
 * so a hostile name server may show the guard one address and `fetch` another. That gains
 * it a TCP connection to port 443 and the first message of a TLS handshake: nothing is sent
 * to a host that has no certificate for `mta-sts.<domain>`.
 *
 * @module
 */

import type { DnsClient } from "../dns/types.ts";
import type { Metrics } from "../monitor/types.ts";
import { isTextPlain } from "../sts/media_type.ts";
import { POLICY_MAX_BYTES } from "../sts/policy.ts";
import type { AddressGuard } from "./address_guard.ts";
import { classifyFetchError, QUOTE_MAX_LENGTH } from "./classify.ts";
import { createFetchLimits, type FetchLimitOptions, type FetchLimits } from "./fetch_limits.ts";
import { quoteText } from "../sts/quote_text.ts";
import type { FailedFetch, FetchFailure, FetchOutcome, FetchPolicy, FetchTrace } from "./types.ts";
import { FETCH_FAILURES } from "./types.ts";

/** Addresses of a host that are looked at, of each family; an answer may hold thousands. */
const ADDRESSES_MAX = 16;

/** Statuses that send the client elsewhere; 304 and other 3xx are as wrong as any status but 200. */
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** Upper bounds of the histogram, seconds: a fetch takes a few round trips, at worst the deadline. */
const SECONDS_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What {@link createPolicyFetcher} needs. */
export interface PolicyFetcherOptions extends FetchLimitOptions {
  /** Resolves the addresses of policy hosts. */
  readonly lookup: DnsClient["lookup"];
  readonly guard: AddressGuard;
  /** Makes the request; from `createPolicyClient`. Closing it is the giver's affair. */
  readonly client: Deno.HttpClient;
  /** One deadline over DNS, the wait for a place, connecting, TLS and the body, ms (RFC 8461 §3.3). */
  readonly timeout: number;
  readonly metrics: Metrics;
}

/** What a fetch waits for, in words. */
type Phase = "DNS" | "a free place" | "an answer" | "the body";

/** One fetch on its way. */
interface Run {
  readonly host: string;
  readonly trace: FetchTrace;
  /** Aborted when the fetch must end; the reason is text for a person. */
  readonly signal: AbortSignal;
  /** Ends the fetch in favour of others. */
  readonly giveWay: () => void;
  readonly turn: number | undefined;
  phase: Phase;
}

/** Creates the fetcher. The function returned never rejects and ends within the deadline. */
export function createPolicyFetcher(options: PolicyFetcherOptions): FetchPolicy {
  const { clock, timeout } = options;
  const limits = createFetchLimits(options);
  const count = declareMetrics(options.metrics, limits);

  return async (domain, { signal, trace = { url: "", addresses: [], refused: [] }, turn } = {}) => {
    const start = clock.now();
    const controller = new AbortController();
    const giveUp = () => controller.abort("given up");
    const late = () => controller.abort(`deadline of ${timeout / 1000} s passed`);
    const cancelTimer = clock.setTimer(late, timeout);
    signal?.addEventListener("abort", giveUp);
    if (signal?.aborted) giveUp();
    const host = `mta-sts.${domain}`;
    trace.url = `https://${host}/.well-known/mta-sts.txt`;
    const giveWay = () => controller.abort("another fetch needed the place");
    const run: Run = { host, trace, signal: controller.signal, giveWay, turn, phase: "DNS" };
    const outcome = await fetchToValue(run, options, limits);
    cancelTimer();
    signal?.removeEventListener("abort", giveUp);
    trace.elapsed = clock.now() - start;
    count(outcome, trace.elapsed);
    return outcome;
  };
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
  // The syntax is judged by whoever parses the text.
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

/** Turns whatever is thrown, and any failure after the end of the time, into the value that says so. */
async function fetchToValue(
  run: Run,
  options: PolicyFetcherOptions,
  limits: FetchLimits,
): Promise<FetchOutcome> {
  let outcome: FetchOutcome;
  try {
    outcome = await fetchGuarded(run, options, limits);
  } catch (error) {
    outcome = run.phase === "the body"
      ? failed("body", "body is incomplete or cannot be decoded")
      : { kind: "failed", ...classifyFetchError(error) };
  }
  return outcome.kind === "failed" && run.signal.aborted
    ? failed("timeout", `${run.signal.reason} while waiting for ${run.phase}`)
    : outcome;
}

async function fetchGuarded(
  run: Run,
  options: PolicyFetcherOptions,
  limits: FetchLimits,
): Promise<FetchOutcome> {
  const found = await findAddresses(run, options);
  if (found.kind === "failed") return found;
  run.phase = "a free place";
  const release = await limits.acquire(found.addresses, run);
  if (release === undefined) return failed("timeout", "too many fetches wait already");
  try {
    return await request(run, options.client);
  } finally {
    release();
  }
}

/**
 * Looks up the policy host and leaves out what the guard refuses.
 *
 * One acceptable address is enough. To insist on all would not keep `fetch` from the others,
 * since it looks the name up itself, but would lose the policy of a domain that has
 * a stray private address beside a public one.
 */
async function findAddresses(
  { host, signal, trace }: Run,
  { lookup, guard }: PolicyFetcherOptions,
): Promise<FailedFetch | { kind: "found"; addresses: readonly string[] }> {
  const answers = await Promise.all([
    lookup(host, "A", { signal }),
    lookup(host, "AAAA", { signal }),
  ]);
  const all = answers.flatMap((answer) =>
    answer.kind === "found" ? answer.records.slice(0, ADDRESSES_MAX) : []
  );
  if (all.length === 0) {
    const failure = answers.find((answer) => answer.kind === "failed");
    return failure === undefined
      ? failed("no-address", `${host} has no address`)
      : { ...failed("dns", `no address of ${host}: ${failure.detail}`), dns: failure.reason };
  }
  const judged = all.map((address) => ({ address, range: guard(address) }));
  const addresses = judged.filter(({ range }) => range === undefined).map(({ address }) => address);
  trace.addresses = addresses;
  trace.refused = judged.flatMap(({ address, range }) => range ? [{ address, range }] : []);
  if (addresses.length > 0) return { kind: "found", addresses };
  const told = trace.refused.map(({ address, range }) => `${address} (${range})`);
  return failed("address-refused", `${host} has no acceptable address: ${told.join(", ")}`);
}

async function request(run: Run, client: Deno.HttpClient): Promise<FetchOutcome> {
  run.phase = "an answer";
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
    // Ends the connection of an answer that is refused by its head.
    if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
  }
}

/** What is wrong with the answer before its body (RFC 8461 §3.2, §3.3); `undefined` when nothing is. */
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
    return failed("encoding", `content coding ${quoteText(encoding, QUOTE_MAX_LENGTH)}`);
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
  // A BOM is not part of any policy (RFC 8461 §3.2): the parser shall see it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  if (endsByItself(response.headers)) {
    const body = await response.bytes();
    return { kind: "fetched", text: decoder.decode(body), bytes: body.length };
  }
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
 * Whether the length announced, which {@link judgeHead} has let pass, is the end of the body: HTTP reads
 * no further then. It is not when there is another framing, and Deno takes it away with a content coding it undoes.
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
