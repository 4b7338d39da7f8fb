/**
 * From a request to its reply: the map name selects the zone, the key becomes a next hop, the
 * resolver decides, and the answer is printed.
 *
 * In front stands a map of ready replies by request, so that asking again costs one lookup. Nothing
 * has to be taken out of it: a ready reply holds the time up to which the resolver vouches for the
 * answer, and the resolver's token, which turns invalid when it changes its mind before.
 *
 * @module
 */

import type { Zone } from "../resolver/zone.ts";
import type { Cell, Log, Metrics } from "../base/telemetry.ts";
import type { Clock } from "../base/clock.ts";
import { type NextHop, readKey } from "../sts/domain.ts";
import { FAILED_REPLY, type Handler } from "./connection.ts";
import { encodeNetstring } from "./netstring.ts";
import { areWords, foldCase, hashOctets, type Octets, toWords, viewOf } from "./octets.ts";
import { NOTFOUND_REPLY, parseRequest } from "./socketmap.ts";
import type { Answer } from "../resolver/types.ts";
import { formatAnswer } from "./tls_policy.ts";

/** What the resolver hands back. */
export interface Resolution {
  readonly answer: Answer;
  /** The same answer may be given again without asking before this time, ms of `Clock.now`. */
  readonly until: number;
  /** Turns invalid when the resolver changes its mind earlier. */
  readonly token: { readonly valid: boolean };
}

/** A reply that can be sent as it is, while the resolver vouches for it. */
export interface ReadyReply {
  /** The request with its key in lower case, as words. */
  readonly request: Int32Array;
  readonly bytes: Uint8Array;
  readonly until: number;
  readonly token: { readonly valid: boolean };
  /** Counts the queries with this answer. */
  readonly cell: Cell;
}

/** What {@link createResponder} works with. */
export interface ResponderOptions {
  /** Decides; a promise if something has to be looked up for it. */
  resolve(nextHop: NextHop, zone: Zone): Resolution | Promise<Resolution>;
  /** The zone of a map name; every name has one. */
  zoneFor(mapName: string): Zone;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A bounded map, by the hash of the request; of two requests with one hash the later one is in it. */
  readonly readyReplies: {
    get(hash: number): ReadyReply | undefined;
    set(hash: number, reply: ReadyReply): void;
  };
}

/** Octets of the longest request remembered: a domain name (253), brackets, port, a short map name. */
const READY_REQUEST_MAX_BYTES = 300;

/**
 * Octets of the longest reply kept ready: one for a policy with dozens of MX hosts. A longer one is printed
 * each time, so that whoever publishes a huge policy cannot push the replies for other domains out.
 */
const READY_REPLY_MAX_BYTES = 4096;

/** What a ready reply takes beside the octets of its request and its bytes: objects, buffers, its place in the map. */
const READY_REPLY_OVERHEAD_BYTES = 500;

/** Upper bounds of the histogram, seconds: a DNS answer, an HTTPS fetch, the usual deadline. */
const SECONDS_BOUNDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 20];

const SPACE = 0x20;
const DOT = 0x2e;
const NOTFOUND = encodeNetstring(NOTFOUND_REPLY);

/** About how many octets a ready reply takes in memory. */
export function readyReplyOctets({ request, bytes }: ReadyReply): number {
  return READY_REPLY_OVERHEAD_BYTES + request.byteLength + bytes.byteLength;
}

/** A request that the resolver has to decide. */
interface Query {
  readonly hash: number;
  /** With its key in lower case, as words; `undefined` for one that is too long to be remembered. */
  readonly request: Int32Array | undefined;
  readonly zone: Zone;
  readonly nextHop: NextHop;
}

/** Creates the handler of Postfix's requests. */
export function createResponder(options: ResponderOptions): Handler {
  const { clock, log, readyReplies } = options;
  const queries = options.metrics.counter(
    "mta_sts_queries_total",
    "Queries by zone and answer, without those for parent domains.",
    ["zone", "answer"],
  );
  const parentQueries = options.metrics.counter(
    "mta_sts_parent_queries_total",
    "Queries for parent domains (.example.com), which have no policy by definition.",
  ).cell();
  const readyUsed = options.metrics.counter(
    "mta_sts_ready_replies_total",
    "Queries answered with a reply kept ready, without asking the resolver.",
  ).cell();
  const seconds = options.metrics.histogram(
    "mta_sts_query_seconds",
    "Time to answer queries that had to wait for DNS or HTTPS; the others are answered at once.",
    SECONDS_BOUNDS,
  );

  /** Postfix does not fold the case of a next hop; a ready reply answers all spellings. */
  const folded = scratch(READY_REQUEST_MAX_BYTES);

  function respond(request: Octets, now: number): Uint8Array | Promise<Uint8Array> {
    const hash = hashOctets(request);
    const ready = findReady(request, hash, now);
    if (ready !== undefined) return ready;
    const start = startOfKey(request);
    if (start < request.to && request.bytes[start] === DOT) {
      parentQueries.value++;
      return NOTFOUND;
    }
    const lower = foldCase(request, { start, into: folded });
    if (lower === undefined) return look(request, hash, now);
    const lowerHash = hashOctets(lower);
    return findReady(lower, lowerHash, now) ?? look(lower, lowerHash, now);
  }

  function findReady(request: Octets, hash: number, now: number): Uint8Array | undefined {
    const ready = readyReplies.get(hash);
    if (ready === undefined || now >= ready.until || !ready.token.valid) return undefined;
    if (!areWords(request, ready.request)) return undefined;
    ready.cell.value++;
    readyUsed.value++;
    return ready.bytes;
  }

  function look(octets: Octets, hash: number, now: number): Uint8Array | Promise<Uint8Array> {
    const { mapName, key } = parseRequest(octets);
    const zone = options.zoneFor(mapName);
    const reading = readKey(key);
    if (reading.kind !== "next-hop") {
      queries.cell(zone.name, "notfound").value++;
      return NOTFOUND;
    }
    const isShort = octets.to - octets.from <= READY_REQUEST_MAX_BYTES;
    const request = isShort ? toWords(octets) : undefined;
    const query: Query = { hash, request, zone, nextHop: reading.nextHop };
    try {
      const resolution = options.resolve(query.nextHop, zone);
      return resolution instanceof Promise
        ? wait(resolution, query, now)
        : finish(resolution, query);
    } catch (error) {
      return fail(error, query);
    }
  }

  async function wait(
    resolution: Promise<Resolution>,
    query: Query,
    since: number,
  ): Promise<Uint8Array> {
    try {
      return finish(await resolution, query);
    } catch (error) {
      return fail(error, query);
    } finally {
      seconds.observe((clock.now() - since) / 1000);
    }
  }

  function finish({ answer, until, token }: Resolution, query: Query): Uint8Array {
    const { hash, request, zone } = query;
    const text = formatAnswer(answer, zone);
    const bytes = encodeNetstring(text);
    // An answer that cannot be printed defers the mail, and shall be seen to.
    const cell = queries.cell(zone.name, text.startsWith("TEMP ") ? "temp" : answer.kind);
    cell.value++;
    const isSmall = bytes.length <= READY_REPLY_MAX_BYTES;
    if (request !== undefined && isSmall && until > clock.now()) {
      readyReplies.set(hash, { request, bytes, until, token, cell });
    }
    return bytes;
  }

  /** Answers in spite of a bug: the mail waits until it is repaired. */
  function fail(error: unknown, { zone, nextHop: { domain } }: Query): Uint8Array {
    log.error("query failed", {
      domain,
      error: String(error instanceof Error ? error.stack : error),
    });
    queries.cell(zone.name, "temp").value++;
    return FAILED_REPLY;
  }

  return respond;
}

/** Where the key begins, behind the first space; the end of the request if it has none. */
function startOfKey({ bytes, from, to }: Octets): number {
  const space = bytes.indexOf(SPACE, from);
  return space < 0 ? to : Math.min(space + 1, to);
}

/** Octets to write into. */
function scratch(length: number): Octets {
  const bytes = new Uint8Array(length);
  return { bytes, view: viewOf(bytes), from: 0, to: length };
}
